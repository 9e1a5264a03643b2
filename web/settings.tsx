import type { Invite, NewInvite, NewToken, SigningKey, TokenInfo, User } from "#accounts/model.ts";
import type { Html } from "#html/html.ts";

import { Invites } from "./invites.tsx";
import { type Frame, Layout } from "./layout.tsx";
import { Tokens } from "./tokens.tsx";
import { Ago, Csrf, Empty, type FormProblems, Table } from "./ui.tsx";

/** The form for a token as it was sent, and what was wrong with it. */
export type TokenForm = {
  values: { name: string; scopes: readonly string[]; narrow: string; expiresInDays: string };
  problems: FormProblems;
};

/** What this page is made from. */
export type SettingsProps = {
  frame: Frame;
  user: User;
  tokens: readonly TokenInfo[];
  keys: readonly SigningKey[];
  /** A token just made: its secret is shown on this page and never again. */
  newToken?: NewToken | undefined;
  tokenForm?: TokenForm | undefined;
  /** For admins: the invitations, and one just made. */
  invites?: readonly Invite[] | undefined;
  newInvite?: NewInvite | undefined;
};

/** `/settings`: the account, its tokens and keys, and for admins the invitations. */
export function SettingsPage(props: SettingsProps): Html {
  const { frame, user } = props;
  return (
    <Layout frame={frame} title="Settings" isPrivate>
      <h1>Settings</h1>
      <section class="part" aria-labelledby="account">
        <h2 id="account">Account</h2>
        <dl class="pairs">
          <dt>User name</dt>
          <dd>
            {user.name}
            {user.admin && " (admin)"}
          </dd>
          <dt>Email</dt>
          <dd>{user.email}</dd>
          <dt>Scope</dt>
          <dd>
            <code>@{user.name}</code>
          </dd>
          <dt>Joined</dt>
          <dd>
            <Ago at={user.createdAt} now={frame.now} />
          </dd>
        </dl>
        <form method="post" action="/logout">
          <Csrf token={frame.csrf} />
          <button class="button quiet">Sign out of this browser</button>
        </form>
      </section>
      <Tokens {...props} />
      <Keys keys={props.keys} frame={frame} />
      {props.invites && (
        <Invites frame={frame} invites={props.invites} newInvite={props.newInvite} />
      )}
    </Layout>
  );
}

function Keys({ keys, frame }: { keys: readonly SigningKey[]; frame: Frame }): Html {
  return (
    <section class="part" aria-labelledby="keys">
      <h2 id="keys">Signing keys</h2>
      {keys.length === 0 ? (
        <Empty title="No signing keys">
          <p>
            <code>land publish</code> makes one at its first run at a terminal and registers it
            here.
          </p>
        </Empty>
      ) : (
        <Table label="Signing keys" head={["Name", "Public key", "Added", ""]} isStacked>
          {keys.map((one) => (
            <tr>
              <th scope="row">{one.name || "unnamed"}</th>
              <td data-label="Public key">
                <code class="long">{one.key}</code>
              </td>
              <td data-label="Added">
                <Ago at={one.createdAt} now={frame.now} />
              </td>
              <td>
                <form method="post" action="/settings/keys/revoke">
                  <Csrf token={frame.csrf} />
                  <input type="hidden" name="key" value={one.key} />
                  <button class="button small danger" aria-label={`Revoke key ${one.name}`}>
                    Revoke
                  </button>
                </form>
              </td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}
