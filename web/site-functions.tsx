import type { Html } from "#html/html.ts";
import type { FunctionsInfo, ProcessInfo } from "#runtime/model.ts";
import type { Program } from "#sites/model.ts";

import { may, type SiteFrame, SiteLayout, sitePath } from "./site-layout.tsx";
import { logsPath } from "./site-logs.tsx";
import {
  Ago,
  Badge,
  BinaryBytes,
  Bytes,
  CodeLine,
  countOf,
  Csrf,
  Empty,
  Field,
  formatCount,
  FormProblem,
  type FormProblems,
  Table,
} from "./ui.tsx";

/** The quotas that admins set, each a field in MiB; empty: what the server allows. */
export const QUOTAS = {
  memoryBytes: "Memory of a process, in MiB",
  kvBytes: "Key-value store, in MiB",
  diskBytes: "Database, in MiB",
} as const;
/** In the order of the form. */
export const QUOTA_NAMES = ["memoryBytes", "kvBytes", "diskBytes"] as const;
/** One of them. */
export type Quota = keyof typeof QUOTAS;
/** What was typed into them, and what was wrong with it. */
export type QuotaForm = {
  typed: Readonly<Record<Quota, string>>;
  problems?: FormProblems | undefined;
};

/** What this page is made from. `quotas`: for admins of the server. */
export type SiteFunctionsProps = SiteFrame & {
  functions: FunctionsInfo;
  quotas?: QuotaForm | undefined;
  /** What was wrong with the form that removes the database. */
  removal?: FormProblems | undefined;
};

/** `/sites/:site/functions`: the program that runs, its processes, and what it may take. */
export function SiteFunctionsPage({
  frame,
  site,
  functions,
  quotas,
  removal,
}: SiteFunctionsProps): Html {
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
      {functions.programProblem !== null && (
        <p class="flash problem" role="alert">
          The program does not start: {functions.programProblem}.{" "}
          <a href={logsPath(site.name, undefined, "error")}>Log</a>
        </p>
      )}
      {program === undefined ? (
        <Empty title="No program">
          <p>
            A file <code>main.ts</code> beside <code>land.json</code> answers what no file of the
            site does.{may(site, "developer") && " This makes a first one:"}
          </p>
          {may(site, "developer") && (
            <CodeLine code="land init --template app" label="the command" />
          )}
        </Empty>
      ) : (
        <ProgramCard site={site.name} program={program} />
      )}
      {(program !== undefined || functions.processes.length > 0) && (
        <Processes frame={frame} processes={functions.processes} />
      )}
      <Limits functions={functions} />
      {may(site, "owner") && (functions.databaseBytes !== 0 || removal) && (
        <DatabaseRemoval frame={frame} site={site} removal={removal} />
      )}
      {quotas && <Quotas frame={frame} site={site} quotas={quotas} />}
    </SiteLayout>
  );
}

function ProgramCard({ site, program }: { site: string; program: Program }): Html {
  return (
    <section class="card">
      <h2>
        {program.name}{" "}
        <span class="soft small">
          <Bytes value={program.sizeBytes} />
        </span>
      </h2>
      <p>
        {program.routes.length === 0
          ? "It answers what no file does."
          : "It answers these paths before files do, and what no file does:"}
      </p>
      {program.routes.length > 0 && (
        <ul class="keywords plain">
          {program.routes.map((route) => (
            <li>
              <code>{route}</code>
            </li>
          ))}
        </ul>
      )}
      {program.crons.length > 0 && (
        <p>
          <a href={sitePath(site, "crons")}>{countOf(program.crons.length, "schedule")}</a> run it
          by the clock.
        </p>
      )}
    </section>
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
        <Table
          label="Processes"
          head={["Deploy", "State", "Started", "Memory", "Processor", "Requests"]}
          isStacked
        >
          {processes.map((one) => (
            <Process frame={frame} process={one} />
          ))}
        </Table>
      )}
    </section>
  );
}

function Process({
  frame,
  process: one,
}: Pick<SiteFrame, "frame"> & { process: ProcessInfo }): Html {
  return (
    <tr>
      <th scope="row">
        <code>{one.deploy}</code>
      </th>
      <td data-label="State">
        <Badge kind={one.state === "ready" ? "good" : "warn"}>{one.state}</Badge>
      </td>
      <td data-label="Started">
        <Ago at={one.startedAt} now={frame.now} />
      </td>
      <td data-label="Memory">
        <Bytes value={one.memoryBytes} />
      </td>
      <td data-label="Processor">{formatCount(one.cpuMs)} ms</td>
      <td data-label="Requests">
        {formatCount(one.requests)}
        {one.open > 0 && `, ${formatCount(one.open)} open`}
      </td>
    </tr>
  );
}

function Limits({ functions }: { functions: FunctionsInfo }): Html {
  const { limits } = functions;
  const rows: [string, Html | string][] = [
    ["Memory", <BinaryBytes value={limits.memoryBytes} />],
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
        <BinaryBytes value={functions.kvBytes} /> of <BinaryBytes value={limits.kvBytes} />
      </>,
    ],
    [
      "Database",
      <>
        {functions.databaseBytes === null ? (
          "folders that cannot be measured"
        ) : (
          <BinaryBytes value={functions.databaseBytes} />
        )}{" "}
        of <BinaryBytes value={limits.diskBytes} />
      </>,
    ],
  ];
  return (
    <section class="part">
      <h2>Limits</h2>
      <p class="soft">
        Where one bites, visitors get its name in <code>x-land-code</code>, and the log says what
        happened.
      </p>
      <dl class="pairs">
        {rows.map(([name, value]) => (
          <>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </>
        ))}
      </dl>
    </section>
  );
}

function DatabaseRemoval({
  frame,
  site,
  removal,
}: SiteFrame & { removal: FormProblems | undefined }): Html {
  return (
    <form class="card" method="post" action={`${sitePath(site.name, "functions")}/database`}>
      <h2>Remove the database</h2>
      <p>
        All that the program stored with <code>env.DB</code> goes, at once and for good. The program
        starts anew with an empty one.
      </p>
      <FormProblem problems={removal} />
      <Csrf token={frame.csrf} />
      <Field
        name="confirm"
        label={`Type ${site.name} to confirm`}
        problems={removal}
        maxlength={50}
        autocomplete="off"
        required
      />
      <button class="button danger">Remove the database</button>
    </form>
  );
}

function Quotas({ frame, site, quotas }: SiteFrame & { quotas: QuotaForm }): Html {
  return (
    <form class="card" method="post" action={sitePath(site.name, "functions")}>
      <h2>Quotas</h2>
      <p class="soft">Set by admins of the server. An empty field is what the server allows.</p>
      <FormProblem problems={quotas.problems} />
      <Csrf token={frame.csrf} />
      {QUOTA_NAMES.map((name) => (
        <Field
          name={name}
          label={QUOTAS[name]}
          value={quotas.typed[name]}
          problems={quotas.problems}
          maxlength={9}
          pattern="[0-9]*"
          autocomplete="off"
        />
      ))}
      <button class="button">Save</button>
    </form>
  );
}
