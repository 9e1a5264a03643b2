import type { Html } from "#html/html.ts";
import type { LogLine, LogPage } from "#sites/model.ts";

import { type SiteFrame, SiteLayout, sitePath } from "./site-layout.tsx";
import { Empty, Pagination } from "./ui.tsx";

/** What this page is made from. */
export type SiteLogsProps = SiteFrame & {
  logs: LogPage;
  level: string | undefined;
  /** Only lines of this request are shown. */
  requestId: string | undefined;
  isLater: boolean;
};

const LEVELS = ["info", "warn", "error"] as const;
/** All of an id that the server made; a program may call its lines otherwise. */
const SHOWN_ID = 12;

/** The page of a site's log, of one request's lines alone where one is named. */
export function logsPath(site: string, requestId?: string, level?: string): string {
  const query = filterOf(requestId, level);
  return `${sitePath(site, "logs")}${query && `?${query}`}`;
}

function filterOf(requestId: string | undefined, level: string | undefined): string {
  return new URLSearchParams({
    ...(level !== undefined && { level }),
    ...(requestId !== undefined && { request: requestId }),
  }).toString();
}

/** `/sites/:site/logs`: the newest lines; with scripts, new ones come by themselves. */
export function SiteLogsPage({
  frame,
  site,
  logs,
  level,
  requestId,
  isLater,
}: SiteLogsProps): Html {
  const filter = filterOf(requestId, level);
  const query = filter && `&${filter}`;
  return (
    <SiteLayout frame={frame} site={site} tab="logs">
      <div class="page-head">
        <h2>Log</h2>
        <nav class="sorts" aria-label="Least severe line">
          {[undefined, ...LEVELS].map((one) => (
            <a
              href={logsPath(site.name, requestId, one)}
              aria-current={one === level ? "true" : undefined}
            >
              {one ?? "all"}
            </a>
          ))}
        </nav>
      </div>
      {requestId !== undefined && (
        <p class="soft">
          Only the request <code>{requestId}</code>.{" "}
          <a href={logsPath(site.name, undefined, level)}>Show all</a>
        </p>
      )}
      {logs.items.length === 0 && (
        <Empty title={requestId === undefined ? "No lines" : "No such lines"}>
          <p>Requests, deploys and what happens to domains show up here.</p>
        </Empty>
      )}
      <ol
        class="log"
        data-follow={isLater ? undefined : `/api/v1/sites/${site.name}/logs?follow=1${query}`}
        data-after={String(logs.items[0]?.id ?? 0)}
        data-request={logsPath(site.name, "", level)}
      >
        {logs.items.map((line) => (
          <Line line={line} site={site.name} level={level} />
        ))}
      </ol>
      <Pagination
        first={isLater ? logsPath(site.name, requestId, level) : undefined}
        next={
          logs.next === null
            ? undefined
            : `${sitePath(site.name, "logs")}?cursor=${encodeURIComponent(logs.next)}${query}`
        }
      />
    </SiteLayout>
  );
}

/** One line; `script.js` makes the same of those that come later. */
function Line({
  line,
  site,
  level,
}: {
  line: LogLine;
  site: string;
  level: string | undefined;
}): Html {
  const { requestId } = line;
  return (
    <li class={line.level}>
      <time datetime={line.at}>{line.at.slice(0, 19).replace("T", " ")}</time>{" "}
      <span class="kind">{line.kind}</span>{" "}
      {requestId !== null && (
        <>
          <a class="request" href={logsPath(site, requestId, level)} title={requestId}>
            {requestId.slice(0, SHOWN_ID)}
          </a>{" "}
        </>
      )}
      <span class="text">{line.message}</span>
    </li>
  );
}
