import type { Html } from "#html/html.ts";
import type { Domain, DomainPage } from "#sites/model.ts";

import { may, type SiteFrame, SiteLayout } from "./site-layout.tsx";
import {
  Ago,
  Badge,
  CodeLine,
  Csrf,
  Empty,
  Field,
  FormProblem,
  type FormProblems,
  Pagination,
} from "./ui.tsx";

/** What this page is made from. */
export type SiteDomainsProps = SiteFrame & {
  domains: DomainPage;
  /** Whether domains come before these. */
  isLater: boolean;
  form?: { host: string; problems: FormProblems } | undefined;
};

/** `/sites/:site/domains`: custom domains, what proves them, and a form for another. */
export function SiteDomainsPage(props: SiteDomainsProps): Html {
  const { frame, site, domains, isLater, form } = props;
  const path = `/sites/${site.name}/domains`;
  return (
    <SiteLayout frame={frame} site={site} tab="domains">
      {domains.items.length === 0 && !isLater && (
        <Empty title="No domain of its own">
          <p>
            The site is at{" "}
            <a href={site.url} rel="nofollow noopener">
              {site.url}
            </a>
            . A domain of yours can lead here as well.
          </p>
        </Empty>
      )}
      {domains.items.map((domain) => (
        <DomainCard frame={frame} site={site} domain={domain} />
      ))}
      <Pagination
        first={isLater ? path : undefined}
        next={
          domains.next === null ? undefined : `${path}?cursor=${encodeURIComponent(domains.next)}`
        }
      />
      {may(site, "developer") && (
        <form class="card row" method="post" action={path}>
          <FormProblem problems={form?.problems} />
          <Csrf token={frame.csrf} />
          <Field
            name="host"
            label="Domain"
            value={form?.host}
            problems={form?.problems}
            maxlength={253}
            autocomplete="off"
            hint="For example www.my-site.org"
            required
          />
          <button class="button">Add domain</button>
        </form>
      )}
    </SiteLayout>
  );
}

function DomainCard({ frame, site, domain }: SiteFrame & { domain: Domain }): Html {
  const path = `/sites/${site.name}/domains/${encodeURIComponent(domain.host)}`;
  return (
    <section class="card" aria-label={domain.host}>
      <h2>
        {domain.host} <StateBadge domain={domain} />
      </h2>
      {domain.state !== "verified" && (
        <>
          <p>
            Where the domain is managed, lead it here with a CNAME record to{" "}
            <code>{domain.target}</code>, or with A and AAAA records equal to those of that name.
            This TXT record proves that the domain is yours:
          </p>
          <CodeLine code={domain.record} label="the name of the record" />
          <CodeLine code={domain.value} label="the value of the record" />
        </>
      )}
      {domain.problem !== null && (
        <p class="notice warn">
          {domain.problem}
          {domain.checkedAt && (
            <span class="soft">
              {" "}
              (<Ago at={domain.checkedAt} now={frame.now} />)
            </span>
          )}
        </p>
      )}
      {domain.certificateProblem !== null && (
        <p class="notice warn">No certificate yet: {domain.certificateProblem}</p>
      )}
      {may(site, "developer") && (
        <div class="buttons">
          {domain.state !== "verified" && (
            <form method="post" action={`${path}/verify`}>
              <Csrf token={frame.csrf} />
              <button class="button small">Check now</button>
            </form>
          )}
          <form method="post" action={`${path}/remove`}>
            <Csrf token={frame.csrf} />
            <button class="button small danger" aria-label={`Remove ${domain.host}`}>
              Remove
            </button>
          </form>
        </div>
      )}
    </section>
  );
}

function StateBadge({ domain }: { domain: Domain }): Html {
  return (
    <>
      {domain.state === "verified" && <Badge kind="good">verified</Badge>}
      {domain.state === "pending" && <Badge kind="warn">not proven yet</Badge>}
      {domain.state === "failing" && <Badge kind="bad">proof is gone</Badge>}
      {domain.certificate === "ready" && <Badge kind="good">https</Badge>}
      {domain.certificate === "pending" && <Badge>certificate under way</Badge>}
      {domain.certificate === "failing" && <Badge kind="bad">no certificate</Badge>}
    </>
  );
}
