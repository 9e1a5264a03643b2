import type { NewToken, TokenInfo } from "#accounts/model.ts";
import type { Html } from "#html/html.ts";
import type { Page } from "#http/page.ts";
import type { Member } from "#sites/model.ts";

import { may, type SiteFrame, SiteLayout } from "./site-layout.tsx";
import { Lifetime, NewSecret, TokenTable } from "./token-parts.tsx";
import {
  Ago,
  CodeLine,
  Csrf,
  Empty,
  Field,
  FormProblem,
  type FormProblems,
  Pagination,
  Table,
} from "./ui.tsx";

/** What this page is made from. */
export type SitePeopleProps = SiteFrame & {
  members: Page<Member>;
  keys: Page<TokenInfo>;
  /** Whether members or keys come before these. */
  isLater: boolean;
  /** A key just made: its secret is shown on this page and never again. */
  newKey?: NewToken | undefined;
  memberForm?: { user: string; problems: FormProblems } | undefined;
  keyForm?: { name: string; problems: FormProblems } | undefined;
};

const ROLES = [
  ["developer", "developer: deploys, rolls back, sets up domains and variables"],
  ["viewer", "viewer: sees deploys, traffic and logs"],
  ["owner", "owner: everything"],
] as const;

const KEY_SCOPES = [
  ["deploy", "Deploy and roll back"],
  ["stats", "Read traffic"],
  ["site", "Both, and domains, logs, variables and the key-value store"],
] as const;

/** `/sites/:site/people`: members with their roles, and keys for programs and friends. */
export function SitePeoplePage(props: SitePeopleProps): Html {
  const { frame, site } = props;
  return (
    <SiteLayout frame={frame} site={site} tab="people">
      <Members {...props} />
      <More {...props} list="members" />
      <section class="part" aria-labelledby="keys">
        <h2 id="keys">Your keys for this site</h2>
        <p class="soft">
          A key acts for you on this site and nowhere else: for a CI, or for a friend who deploys.
        </p>
        {props.newKey && (
          <NewSecret what="key" made={props.newKey}>
            <CodeLine
              code={`LAND_REGISTRY=${frame.publicUrl} LAND_TOKEN=… land deploy --site ${site.name}`}
              label="the command that uses it"
            />
          </NewSecret>
        )}
        <Keys {...props} />
        <More {...props} list="keys" />
        <MakeKey {...props} />
      </section>
    </SiteLayout>
  );
}

function Members({ frame, site, members, memberForm }: SitePeopleProps): Html {
  const isOwner = may(site, "owner");
  const path = `/sites/${site.name}/members`;
  return (
    <section aria-labelledby="members">
      <h2 id="members">Members</h2>
      <Table label="Members" head={["Account", "Role", "Since", ""]} isStacked>
        {members.items.map(({ user, role, addedAt }) => (
          <tr>
            <th scope="row">{user}</th>
            <td data-label="Role">{role}</td>
            <td data-label="Since">
              <Ago at={addedAt} now={frame.now} />
            </td>
            <td>
              {(isOwner || user === frame.user?.name) && (
                <form method="post" action={`${path}/remove`}>
                  <Csrf token={frame.csrf} />
                  <input type="hidden" name="user" value={user} />
                  <button class="button small danger" aria-label={`Remove ${user}`}>
                    {user === frame.user?.name ? "Leave" : "Remove"}
                  </button>
                </form>
              )}
            </td>
          </tr>
        ))}
      </Table>
      {isOwner && (
        <form class="card row" method="post" action={path}>
          <FormProblem problems={memberForm?.problems} />
          <Csrf token={frame.csrf} />
          <Field
            name="user"
            label="Account"
            value={memberForm?.user}
            problems={memberForm?.problems}
            maxlength={39}
            autocomplete="off"
            required
          />
          <div class="field">
            <label for="role">Role</label>
            <select id="role" name="role">
              {ROLES.map(([role, label]) => (
                <option value={role}>{label}</option>
              ))}
            </select>
          </div>
          <button class="button">Set role</button>
        </form>
      )}
    </section>
  );
}

function Keys({ frame, site, keys }: SitePeopleProps): Html {
  if (keys.items.length === 0) return <Empty title="No keys" />;
  return (
    <TokenTable
      frame={frame}
      tokens={keys.items}
      what="key"
      head={{ scopes: "May", end: "Ends" }}
      revokeAt={(id) => `/sites/${site.name}/keys/${id}/revoke`}
    />
  );
}

/** The way on in one of the two lists; the other begins anew. */
function More({ list, ...props }: SitePeopleProps & { list: "members" | "keys" }): Html {
  const path = `/sites/${props.site.name}/people`;
  const { next } = props[list];
  return (
    <Pagination
      first={props.isLater ? path : undefined}
      next={next === null ? undefined : `${path}?${list}=${encodeURIComponent(next)}`}
    />
  );
}

function MakeKey({ frame, site, keyForm }: SitePeopleProps): Html {
  const { problems } = keyForm ?? {};
  return (
    <form class="card" method="post" action={`/sites/${site.name}/keys`}>
      <h3>Make a key</h3>
      <FormProblem problems={problems} />
      <Csrf token={frame.csrf} />
      <Field
        name="name"
        label="Name"
        value={keyForm?.name}
        problems={problems}
        maxlength={64}
        autocomplete="off"
        hint="Who or what will use it; deploys made with it show the name."
        required
      />
      <fieldset>
        <legend>May</legend>
        {KEY_SCOPES.map(([scope, label], index) => (
          <label class="choice">
            <input type="radio" name="scope" value={scope} checked={index === 0} />
            <span>{label}</span>
          </label>
        ))}
      </fieldset>
      <Lifetime />
      <button class="button">Make key</button>
    </form>
  );
}
