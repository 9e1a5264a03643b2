import { Elysia } from "elysia";

import type { Html } from "#html/html.ts";
import type { FunctionsInfo, ProcessInfo } from "#runtime/model.ts";
import { readFunctions, type StatusParts } from "#runtime/status/status.ts";
import type { Ctx } from "#store/ctx.ts";

import { answerPage } from "./frame.ts";
import { type SiteFrame, SiteLayout, sitePath } from "./site-layout.tsx";
import { readSiteVisit } from "./site-visit.ts";
import { Ago, Badge, Bytes, CodeLine, countOf, Empty, formatCount } from "./ui.tsx";

/** What this page is made from. */
export type SiteFunctionsProps = SiteFrame & { functions: FunctionsInfo };

/** `/sites/:site/functions`: the program that runs, its processes, and what it may take. */
export function SiteFunctionsPage({ frame, site, functions }: SiteFunctionsProps): Html {
  const program = site.live?.program ?? undefined;
  return (
    <SiteLayout frame={frame} site={site} tab="functions">
      {!functions.available && (
        <p class="flash problem" role="alert">
          This server runs no programs: {functions.problem}
        </p>
      )}
      {functions.available && !functions.sandboxed && (
        <p class="flash problem" role="alert">
          Programs run without a sandbox on this server: what they do, the server does.
        </p>
      )}
      {program === undefined ? (
        <Empty title="No program">
          <p>
            A file <code>main.ts</code> beside <code>land.json</code> answers what no file of the
            site does. This makes a first one:
          </p>
          <CodeLine code="land init --template app" label="the command" />
        </Empty>
      ) : (
        <section class="card">
          <h2>
            {program.name} <Bytes value={program.sizeBytes} />
          </h2>
          <p>
            {program.routes.length === 0
              ? "It answers what no file does."
              : "It answers these paths before files do, and what no file does:"}
          </p>
          {program.routes.length > 0 && (
            <ul class="keywords">
              {program.routes.map((route) => (
                <li>
                  <code>{route}</code>
                </li>
              ))}
            </ul>
          )}
          {program.crons.length > 0 && (
            <p>
              <a href={sitePath(site.name, "crons")}>{countOf(program.crons.length, "schedule")}</a>{" "}
              run it by the clock.
            </p>
          )}
        </section>
      )}
      {(program !== undefined || functions.processes.length > 0) && (
        <Processes frame={frame} processes={functions.processes} />
      )}
      <Limits functions={functions} />
    </SiteLayout>
  );
}

function Processes({
  frame,
  processes,
}: Pick<SiteFrame, "frame"> & { processes: readonly ProcessInfo[] }): Html {
  return (
    <section class="part">
      <h2>Processes</h2>
      {processes.length === 0 ? (
        <p class="soft">None right now. The next request starts one within some milliseconds.</p>
      ) : (
        <div class="table">
          <table>
            <thead>
              <tr>
                <th scope="col">Deploy</th>
                <th scope="col">State</th>
                <th scope="col">Started</th>
                <th scope="col">Memory</th>
                <th scope="col">Processor</th>
                <th scope="col">Requests</th>
              </tr>
            </thead>
            <tbody>
              {processes.map((one) => (
                <tr>
                  <td>
                    <code>{one.deploy}</code>
                  </td>
                  <td>
                    <Badge kind={one.state === "ready" ? "good" : "warn"}>{one.state}</Badge>
                  </td>
                  <td>
                    <Ago at={one.startedAt} now={frame.now} />
                  </td>
                  <td>
                    <Bytes value={one.memoryBytes} />
                  </td>
                  <td>{formatCount(one.cpuMs)} ms</td>
                  <td>
                    {formatCount(one.requests)}
                    {one.open > 0 && `, ${formatCount(one.open)} open`}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Limits({ functions }: { functions: FunctionsInfo }): Html {
  const { limits } = functions;
  const rows: [string, Html | string][] = [
    ["Memory", <Bytes value={limits.memoryBytes} />],
    [
      "Processor",
      `${formatCount(limits.cpuMs)} ms at a stretch (scripts ${formatCount(limits.scriptCpuMs)} ms), ${countOf(limits.cpuSecondsPerMinute, "second")} per minute`,
    ],
    ["Time to begin an answer", countOf(limits.wallSeconds, "second")],
    ["Requests at a time", formatCount(limits.concurrency)],
    ["Fetches per request", formatCount(limits.subrequests)],
    ["WebSockets", `${formatCount(functions.sockets)} open, of ${formatCount(limits.sockets)}`],
    [
      "Key-value store",
      <>
        <Bytes value={functions.kvBytes} /> of <Bytes value={limits.kvBytes} />
      </>,
    ],
    [
      "Database",
      <>
        <Bytes value={functions.databaseBytes} /> of <Bytes value={limits.diskBytes} />
      </>,
    ],
  ];
  return (
    <section class="part">
      <h2>Limits</h2>
      <p class="soft">
        Where one bites, visitors get 503 with its name in <code>x-land-code</code>, and the log
        says what happened.
      </p>
      <div class="table">
        <table>
          <tbody>
            {rows.map(([name, value]) => (
              <tr>
                <th scope="row">{name}</th>
                <td>
                  <span class="long">{value}</span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** The overview of a site's functions, for members. */
export function functionPages(ctx: Ctx, runtime: StatusParts) {
  return new Elysia({ name: "web.functions", prefix: "/sites" }).get(
    "/:site/functions",
    async ({ request, params }) => {
      const visit = await readSiteVisit(ctx, request, params.site);
      if (visit instanceof Response) return visit;
      const functions = await readFunctions(ctx, runtime, visit.actor, params.site);
      return answerPage(SiteFunctionsPage({ ...visit, functions }));
    },
  );
}
