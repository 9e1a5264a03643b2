import { Elysia } from "elysia";

import type { Html } from "#html/html.ts";
import { listCronRuns, listCrons, runCron } from "#runtime/crons/cron-verbs.ts";
import type { Crons } from "#runtime/crons/scheduler.ts";
import type { CronInfo, CronRun, CronRunPage } from "#runtime/model.ts";
import type { Ctx } from "#store/ctx.ts";

import { statusOf } from "./account-pages.tsx";
import { answerPage, type PageStatus, type Query, redirect } from "./frame.ts";
import { may, type SiteFrame, SiteLayout, sitePath } from "./site-layout.tsx";
import { logsPath } from "./site-logs.tsx";
import { actOrAgain, pageOfQuery, readSiteVisit } from "./site-visit.ts";
import {
  Ago,
  Badge,
  Csrf,
  Empty,
  formatCount,
  FormProblem,
  type FormProblems,
  Pagination,
  Table,
} from "./ui.tsx";

/** What this page is made from. */
type SiteCronsProps = SiteFrame & {
  crons: readonly CronInfo[];
  runs: CronRunPage;
  /** Whether runs come before these. */
  isLater: boolean;
  problems?: FormProblems | undefined;
};

type Params = { ctx: Ctx; request: Request; site: string };

/** The page of a site's schedules, and the form that runs one. */
export function cronPages(ctx: Ctx, crons: Pick<Crons, "runNow">) {
  return new Elysia({ name: "web.sites.crons", prefix: "/sites" })
    .get("/:site/crons", ({ request, params: { site }, query }) =>
      show({ ctx, request, site }, query, undefined),
    )
    .post(
      "/:site/crons/run",
      ({ request, params: { site } }) =>
        actOrAgain(
          ctx,
          request,
          async (actor, form) => {
            const which = { cron: form.text("cron"), timeZone: form.text("timeZone") };
            await runCron(ctx, crons, actor, site, which);
            return redirect(`${sitePath(site, "crons")}?done=cron-begun`);
          },
          (_form, problems, error) => show({ ctx, request, site }, {}, problems, statusOf(error)),
        ),
      { parse: "none" },
    );
}

async function show(
  { ctx, request, site: name }: Params,
  query: Query,
  problems: FormProblems | undefined,
  status: PageStatus = {},
): Promise<Response> {
  const visit = await readSiteVisit(ctx, request, name);
  if (visit instanceof Response) return visit;
  const { page, isLater } = pageOfQuery(query, 50);
  const { items } = await listCrons(ctx, visit.actor, name);
  const runs = await listCronRuns(ctx, visit.actor, name, page);
  return answerPage(SiteCronsPage({ ...visit, crons: items, runs, isLater, problems }), status);
}

/** `/sites/:site/crons`: when the program is run by the clock, and what came of it. */
export function SiteCronsPage(props: SiteCronsProps): Html {
  const { frame, site, crons, runs, isLater, problems } = props;
  const path = sitePath(site.name, "crons");
  return (
    <SiteLayout frame={frame} site={site} tab="crons">
      <FormProblem problems={problems} />
      {crons.length === 0 ? (
        <Empty title="No schedules">
          <p>
            <code>site.crons</code> in <code>land.json</code> names when the program of the site is
            run by the clock: <code>"crons": ["0 4 * * *"]</code>.
          </p>
        </Empty>
      ) : (
        <Table label="Schedules" head={["Schedule", "Time zone", "Next", "Last", ""]} isStacked>
          {crons.map((cron) => (
            <Schedule frame={frame} site={site} cron={cron} />
          ))}
        </Table>
      )}
      {(runs.items.length > 0 || isLater) && (
        <section class="part" aria-labelledby="runs">
          <h2 id="runs">Runs</h2>
          <Table label="Runs" head={["Began", "Schedule", "Deploy", "Came of it"]} isStacked>
            {runs.items.map((run) => (
              <Run frame={frame} site={site} run={run} />
            ))}
          </Table>
          <Pagination
            first={isLater ? path : undefined}
            next={
              runs.next === null ? undefined : `${path}?cursor=${encodeURIComponent(runs.next)}`
            }
          />
        </section>
      )}
    </SiteLayout>
  );
}

function Schedule({ frame, site, cron: one }: SiteFrame & { cron: CronInfo }): Html {
  return (
    <tr>
      <th scope="row">
        <code>{one.cron}</code>
      </th>
      <td data-label="Time zone">{one.timeZone}</td>
      <td data-label="Next">
        {one.nextAt === null ? "–" : <Ago at={one.nextAt} now={frame.now} />}
      </td>
      <td data-label="Last">
        {one.last === null ? (
          <span class="soft">not run yet</span>
        ) : (
          <>
            <Outcome run={one.last} /> <Ago at={one.last.startedAt} now={frame.now} />
          </>
        )}
      </td>
      <td>
        {may(site, "developer") && (
          <form method="post" action={`${sitePath(site.name, "crons")}/run`}>
            <Csrf token={frame.csrf} />
            <input type="hidden" name="cron" value={one.cron} />
            <input type="hidden" name="timeZone" value={one.timeZone} />
            <button class="button small quiet" aria-label={`Run ${one.cron} now`}>
              Run now
            </button>
          </form>
        )}
      </td>
    </tr>
  );
}

function Run({ frame, site, run }: SiteFrame & { run: CronRun }): Html {
  return (
    <tr>
      <th scope="row">
        <Ago at={run.startedAt} now={frame.now} />
      </th>
      <td data-label="Schedule">
        <code>{run.cron}</code> <span class="soft">{run.timeZone}</span>
      </td>
      <td data-label="Deploy">
        <code>{run.deploy}</code>
      </td>
      <td data-label="Came of it">
        <Outcome run={run} />
        {run.endedAt !== null && (
          <span class="soft"> {durationOf(run.startedAt, run.endedAt)}</span>
        )}
        {run.attempt > 1 && <span class="soft"> at attempt {run.attempt}</span>}
        {run.problem !== null && <p class="soft">{run.problem}</p>}{" "}
        <a href={logsPath(site.name, run.requestId)} aria-label={`Log of the run ${run.id}`}>
          Log
        </a>
        {run.retryAt !== null && (
          <p class="soft">
            It is tried again <Ago at={run.retryAt} now={frame.now} />.
          </p>
        )}
      </td>
    </tr>
  );
}

/** `after 320 ms`, `after 4.2 s`. */
function durationOf(from: string, to: string): string {
  const ms = Math.max(0, Date.parse(to) - Date.parse(from));
  return `after ${ms < 1000 ? `${ms} ms` : `${formatCount(Math.round(ms / 100) / 10)} s`}`;
}

function Outcome({ run: { outcome } }: { run: CronRun }): Html {
  if (outcome === "done") return <Badge kind="good">done</Badge>;
  if (outcome === "running") return <Badge>running</Badge>;
  return <Badge kind={outcome === "lost" ? "warn" : "bad"}>{outcome}</Badge>;
}
