import type { Html } from "#html/html.ts";
import type { Deploy, DeployDiff, DeployFilePage, Program } from "#sites/model.ts";

import { DeployActs, DeployBadges, whoOf } from "./site-deploys.tsx";
import { type SiteFrame, SiteLayout, sitePath } from "./site-layout.tsx";
import { Ago, Bytes, countOf, Pagination, Table } from "./ui.tsx";

/** What the page of one deploy is made from. */
export type SiteDeployProps = SiteFrame & {
  deploy: Deploy;
  files: DeployFilePage;
  isLater: boolean;
  /** What changed since the deploy before; undefined while it is not finished. */
  diff: DeployDiff | undefined;
};

/** `/sites/:site/deploys/:id`: one deploy, what changed with it, and its files. */
export function SiteDeployPage(props: SiteDeployProps): Html {
  const { frame, site, deploy } = props;
  return (
    <SiteLayout
      frame={frame}
      site={site}
      tab="deploys"
      title={`Deploy ${deploy.id} · ${site.name}`}
    >
      <h2>
        Deploy <code>{deploy.id}</code> <DeployBadges deploy={deploy} />
      </h2>
      {deploy.message !== "" && <p class="lead">{deploy.message}</p>}
      <Facts frame={frame} site={site} deploy={deploy} />
      <DeployActs frame={frame} site={site} deploy={deploy} />
      <Warnings lines={deploy.warnings} />
      {props.diff && <Diff diff={props.diff} site={site.name} />}
      <Files {...props} />
    </SiteLayout>
  );
}

function Facts({ frame, site, deploy }: SiteFrame & { deploy: Deploy }): Html {
  return (
    <dl class="pairs">
      <dt>Address</dt>
      <dd>
        <a href={deploy.url} rel="nofollow noopener">
          {deploy.url.replace(/^https?:\/\//, "")}
        </a>
      </dd>
      <dt>Made</dt>
      <dd>
        <Ago at={deploy.createdAt} now={frame.now} /> by {whoOf(deploy)}
      </dd>
      {deploy.releasedAt && (
        <>
          <dt>First live</dt>
          <dd>
            <Ago at={deploy.releasedAt} now={frame.now} />
          </dd>
        </>
      )}
      <dt>Holds</dt>
      <dd>
        {countOf(deploy.files, "file")}, <Bytes value={deploy.sizeBytes} />
      </dd>
      {deploy.program && (
        <>
          <dt>Program</dt>
          <dd>
            <ProgramFacts program={deploy.program} />{" "}
            {deploy.live && <a href={sitePath(site.name, "functions")}>How it runs</a>}
          </dd>
        </>
      )}
    </dl>
  );
}

/** `main.ts, 12 kB; answers /api/* before files; runs at 0 4 * * * (UTC)`. */
function ProgramFacts({ program: { name, sizeBytes, routes, crons } }: { program: Program }): Html {
  return (
    <>
      {name}, <Bytes value={sizeBytes} />
      {routes.length > 0 && (
        <>
          ; answers <CodeList items={routes} /> before files
        </>
      )}
      {crons.length > 0 && (
        <>
          ; runs at{" "}
          <CodeList
            items={crons.map(({ cron, timeZone }) =>
              timeZone === "UTC" ? cron : `${cron} ${timeZone}`,
            )}
          />
        </>
      )}
    </>
  );
}

function CodeList({ items }: { items: readonly string[] }): Html {
  return (
    <>
      {items.map((item, index) => (
        <>
          {index > 0 && ", "}
          <code>{item}</code>
        </>
      ))}
    </>
  );
}

function Warnings({ lines }: { lines: readonly string[] }): Html | null {
  if (lines.length === 0) return null;
  return (
    <div class="notice warn">
      <p>
        <strong>What was not taken as it is</strong>
      </p>
      <ul>
        {lines.map((line) => (
          <li>{line}</li>
        ))}
      </ul>
    </div>
  );
}

function Files({ site, deploy, files, isLater }: SiteDeployProps): Html {
  const path = `/sites/${site.name}/deploys/${deploy.id}`;
  return (
    <section class="part" aria-labelledby="files">
      <h2 id="files">Files</h2>
      <Table label="Files" head={["Path", "Size", "SHA-256"]} isStacked>
        {files.items.map((file) => (
          <tr>
            <th scope="row">{file.path}</th>
            <td data-label="Size">
              <Bytes value={file.sizeBytes} />
            </td>
            <td data-label="SHA-256">
              <code title={file.sha256}>{file.sha256.slice(0, 12)}</code>
            </td>
          </tr>
        ))}
      </Table>
      <Pagination
        first={isLater ? path : undefined}
        next={files.next === null ? undefined : `${path}?cursor=${encodeURIComponent(files.next)}`}
      />
    </section>
  );
}

const SHOWN = 20;

function Diff({ diff, site }: { diff: DeployDiff; site: string }): Html {
  const kinds = [
    ["Added", diff.added, diff.total.added],
    ["Changed", diff.changed, diff.total.changed],
    ["Removed", diff.removed, diff.total.removed],
  ] as const;
  const none = kinds.every(([, , total]) => total === 0);
  return (
    <section class="part" aria-labelledby="diff">
      <h2 id="diff">
        Since{" "}
        {diff.from === null ? (
          "nothing"
        ) : (
          <a href={`/sites/${site}/deploys/${diff.from}`}>{diff.from}</a>
        )}
      </h2>
      {none && <p class="soft">No file differs.</p>}
      {kinds.map(
        ([label, paths, total]) =>
          total > 0 && (
            <details open={total <= SHOWN}>
              <summary>
                {label}: {countOf(total, "file")}
              </summary>
              <ul class="paths">
                {paths.slice(0, 200).map((path) => (
                  <li>
                    <code>{path}</code>
                  </li>
                ))}
                {total > 200 && <li class="soft">and {countOf(total - 200, "more file")}</li>}
              </ul>
            </details>
          ),
      )}
    </section>
  );
}
