import type { Html } from "#html/html.ts";
import type { LogPage } from "#sites/model.ts";

import { type SiteFrame, SiteLayout, sitePath } from "./site-layout.tsx";
import { Empty, Pagination } from "./ui.tsx";

/** What this page is made from. */
export type SiteLogsProps = SiteFrame & {
  logs: LogPage;
  level: string | undefined;
  isLater: boolean;
};

const LEVELS = ["info", "warn", "error"] as const;

/** `/sites/:site/logs`: the newest lines; with scripts, new ones come by themselves. */
export function SiteLogsPage({ frame, site, logs, level, isLater }: SiteLogsProps): Html {
  const path = sitePath(site.name, "logs");
  const query = level === undefined ? "" : `&level=${level}`;
  return (
    <SiteLayout frame={frame} site={site} tab="logs">
      <div class="page-head">
        <h2>Log</h2>
        <nav class="sorts" aria-label="Least severe line">
          <a href={path} aria-current={level === undefined ? "true" : undefined}>
            all
          </a>
          {LEVELS.map((one) => (
            <a href={`${path}?level=${one}`} aria-current={one === level ? "true" : undefined}>
              {one}
            </a>
          ))}
        </nav>
      </div>
      {logs.items.length === 0 && (
        <Empty title="No lines">
          <p>Requests, deploys and what happens to domains show up here.</p>
        </Empty>
      )}
      <ol
        class="log"
        data-follow={isLater ? undefined : `/api/v1/sites/${site.name}/logs?follow=1${query}`}
        data-after={String(logs.items[0]?.id ?? 0)}
      >
        {logs.items.map((line) => (
          <li class={line.level}>
            <time datetime={line.at}>{line.at.slice(0, 19).replace("T", " ")}</time>{" "}
            <span class="kind">{line.kind}</span> <span class="text">{line.message}</span>
          </li>
        ))}
      </ol>
      <Pagination
        first={isLater ? path : undefined}
        next={
          logs.next === null ? undefined : `${path}?cursor=${encodeURIComponent(logs.next)}${query}`
        }
      />
    </SiteLayout>
  );
}
