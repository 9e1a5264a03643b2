import { Elysia } from "elysia";

import type { Html } from "#html/html.ts";
import { EGRESS_DAYS, readEgress, setEgress } from "#runtime/egress/egress-verbs.ts";
import type { EgressHost, EgressLedger } from "#runtime/model.ts";
import type { Ctx } from "#store/ctx.ts";

import { statusOf } from "./account-pages.tsx";
import { answerPage, type PageStatus, redirect } from "./frame.ts";
import { may, type SiteFrame, SiteLayout, sitePath } from "./site-layout.tsx";
import { act, actOrAgain, readSiteVisit } from "./site-visit.ts";
import { TextArea, typedText } from "./text-area.tsx";
import {
  Ago,
  Badge,
  Bytes,
  countOf,
  Csrf,
  Empty,
  formatCount,
  FormProblem,
  type FormProblems,
  Table,
} from "./ui.tsx";

/** A list of hosts that came back. */
type EgressForm = { hosts: string; problems: FormProblems };
/** What this page is made from. */
type SiteEgressProps = SiteFrame & { ledger: EgressLedger; form?: EgressForm | undefined };

type Params = { ctx: Ctx; request: Request; site: string };

const NONE = { parse: "none" } as const;
const SPANS = [1, 7, 30];

/** The page of where a site's programs talk to, and the forms for where they may. */
export function egressPages(ctx: Ctx) {
  return new Elysia({ name: "web.sites.egress", prefix: "/sites" })
    .get("/:site/egress", ({ request, params: { site }, query }) =>
      show({ ctx, request, site }, Number(query["days"] ?? EGRESS_DAYS), undefined),
    )
    .post(
      "/:site/egress",
      ({ request, params: { site } }) => takeHosts({ ctx, request, site }),
      NONE,
    )
    .post(
      "/:site/egress/reset",
      ({ request, params: { site } }) =>
        act(ctx, request, `${sitePath(site, "egress")}?done=egress-set`, (actor) =>
          setEgress(ctx, actor, site, { allow: null }),
        ),
      NONE,
    );
}

function takeHosts(params: Params): Promise<Response> {
  const { ctx, request, site } = params;
  return actOrAgain(
    ctx,
    request,
    async (actor, form) => {
      const hosts = typedText(form.text("hosts")).split(/[\s,]+/);
      await setEgress(ctx, actor, site, { allow: hosts.filter((host) => host !== "") });
      return redirect(`${sitePath(site, "egress")}?done=egress-set`);
    },
    (form, problems, error) =>
      show(
        params,
        EGRESS_DAYS,
        { hosts: typedText(form.text("hosts")), problems },
        statusOf(error),
      ),
  );
}

async function show(
  { ctx, request, site: name }: Params,
  days: number,
  form: EgressForm | undefined,
  status: PageStatus = {},
): Promise<Response> {
  const visit = await readSiteVisit(ctx, request, name);
  if (visit instanceof Response) return visit;
  const ledger = await readEgress(ctx, visit.actor, name, days);
  return answerPage(SiteEgressPage({ ...visit, ledger, form }), status);
}

/** `/sites/:site/egress`: whom the programs of a site asked, and whom they may ask. */
export function SiteEgressPage(props: SiteEgressProps): Html {
  const { frame, site, ledger } = props;
  const path = sitePath(site.name, "egress");
  return (
    <SiteLayout frame={frame} site={site} tab="egress">
      <nav class="sorts" aria-label="Days">
        {SPANS.map((days) => (
          <a href={`${path}?days=${days}`} aria-current={days === ledger.days ? "true" : undefined}>
            {countOf(days, "day")}
          </a>
        ))}
      </nav>
      {ledger.hosts.length === 0 ? (
        <Empty title="Nobody was asked">
          <p>Each host that a program of this site fetches from is told here.</p>
        </Empty>
      ) : (
        <Table label="Hosts" head={["Host", "Requests", "Sent", "Got", "Last"]} isStacked>
          {ledger.hosts.map((host) => (
            <Host frame={frame} host={host} />
          ))}
        </Table>
      )}
      <Allowed {...props} />
    </SiteLayout>
  );
}

function Host({ frame, host: one }: Pick<SiteFrame, "frame"> & { host: EgressHost }): Html {
  return (
    <tr>
      <th scope="row">
        {one.host === "*" ? "all others" : one.host}
        {one.refused > 0 && (
          <>
            {" "}
            <Badge kind="bad">{formatCount(one.refused)} refused</Badge>
            <p class="soft">{one.problem}</p>
          </>
        )}
      </th>
      <td data-label="Requests">{formatCount(one.requests)}</td>
      <td data-label="Sent">
        <Bytes value={one.bytesOut} />
      </td>
      <td data-label="Got">
        <Bytes value={one.bytesIn} />
      </td>
      <td data-label="Last">
        <Ago at={one.lastAt} now={frame.now} />
      </td>
    </tr>
  );
}

function Allowed({ frame, site, ledger, form }: SiteEgressProps): Html {
  const { allow } = ledger;
  const path = sitePath(site.name, "egress");
  return (
    <section class="part" aria-labelledby="allowed">
      <h2 id="allowed">Whom programs may ask</h2>
      <p>
        {allow === null && "Every public host."}
        {allow !== null && allow.length === 0 && "Nobody."}
        {allow !== null && allow.length > 0 && "These hosts alone:"}
      </p>
      {allow !== null && allow.length > 0 && (
        <ul class="keywords plain">
          {allow.map((host) => (
            <li>
              <code>{host}</code>
            </li>
          ))}
        </ul>
      )}
      {may(site, "owner") && (
        <>
          <form class="card" method="post" action={path}>
            <FormProblem problems={form?.problems} />
            <Csrf token={frame.csrf} />
            <TextArea
              name="hosts"
              label="Hosts"
              value={form?.hosts ?? allow?.join("\n") ?? ""}
              problems={form?.problems}
              hint="One a line: api.example.com, or *.example.com for all below it; with :8443 for that port alone. None: nobody."
            />
            <button class="button">Allow these alone</button>
          </form>
          {allow !== null && (
            <form method="post" action={`${path}/reset`}>
              <Csrf token={frame.csrf} />
              <button class="button quiet">Allow every public host</button>
            </form>
          )}
        </>
      )}
    </section>
  );
}
