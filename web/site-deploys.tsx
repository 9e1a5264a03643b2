import type { Html } from "#html/html.ts";
import type { Deploy, DeployDiff, DeployFilePage, DeployPage } from "#sites/model.ts";

import { may, type SiteFrame, SiteLayout, sitePath } from "./site-layout.tsx";
import {
  Ago,
  Badge,
  Bytes,
  CodeLine,
  countOf,
  Csrf,
  Empty,
  FormProblem,
  type FormProblems,
  Pagination,
  Table,
} from "./ui.tsx";

/** What this page is made from. */
export type SiteDeploysProps = SiteFrame & {
  deploys: DeployPage;
  isLater: boolean;
  /** What was wrong with an upload. */
  problems?: FormProblems | undefined;
};

/** `/sites/:site`: its deploys, and a place to drop the next one. */
export function SiteDeploysPage(props: SiteDeploysProps): Html {
  const { frame, site, deploys } = props;
  const path = sitePath(site.name);
  return (
    <SiteLayout frame={frame} site={site} tab="deploys">
      {may(site, "developer") && <Upload {...props} />}
      <section class="part" aria-labelledby="deploys">
        <h2 id="deploys">Deploys</h2>
        {deploys.items.length === 0 ? (
          <Empty title="Nothing deployed yet">
            <p>Drop a folder above, or in the folder of the site:</p>
            <CodeLine code={`land deploy --site ${site.name}`} label="the deploy command" />
          </Empty>
        ) : (
          <DeployTable {...props} />
        )}
        <Pagination
          first={props.isLater ? path : undefined}
          next={
            deploys.next === null ? undefined : `${path}?cursor=${encodeURIComponent(deploys.next)}`
          }
        />
      </section>
    </SiteLayout>
  );
}

function Upload({ frame, site, problems }: SiteDeploysProps): Html {
  return (
    <form
      class="card drop"
      method="post"
      action={`/sites/${site.name}/upload`}
      enctype="multipart/form-data"
      data-drop={`/sites/${site.name}/upload`}
      data-csrf={frame.csrf}
    >
      <FormProblem problems={problems} />
      <Csrf token={frame.csrf} />
      <div class="field">
        <label for="file">Deploy a zip or tar.gz</label>
        <input id="file" name="file" type="file" accept=".zip,.tgz,.gz" required />
        <p class="hint" data-drop-hint hidden>
          Or drop a folder or a zip anywhere on this box.
        </p>
      </div>
      <label class="choice">
        <input type="checkbox" name="draft" value="true" />
        <span>As a draft, beside the live site</span>
      </label>
      <button class="button">Deploy</button>
      <p class="drop-state" data-drop-state role="status" />
    </form>
  );
}

function DeployTable({ frame, site, deploys }: SiteDeploysProps): Html {
  return (
    <Table label="Deploys" head={["Deploy", "When", "Who", "Files", "Size", ""]} isStacked>
      {deploys.items.map((deploy) => (
        <tr>
          <th scope="row">
            <a href={`/sites/${site.name}/deploys/${deploy.id}`}>{deploy.message || deploy.id}</a>{" "}
            <DeployBadges deploy={deploy} />
            {deploy.message !== "" && <code>{deploy.id}</code>}
          </th>
          <td data-label="When">
            <Ago at={deploy.finishedAt ?? deploy.createdAt} now={frame.now} />
          </td>
          <td data-label="Who" class="who">
            {whoOf(deploy)}
          </td>
          <td data-label="Files">{countOf(deploy.files, "file")}</td>
          <td data-label="Size">
            <Bytes value={deploy.sizeBytes} />
          </td>
          <td>
            <DeployActs frame={frame} site={site} deploy={deploy} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

function DeployActs({ frame, site, deploy }: SiteFrame & { deploy: Deploy }): Html | null {
  if (deploy.live || !may(site, "developer")) return null;
  const path = `/sites/${site.name}/deploys/${deploy.id}`;
  return (
    <span class="acts">
      {deploy.state === "ready" && (
        <form class="inline" method="post" action={`${path}/release`}>
          <Csrf token={frame.csrf} />
          <button class="button small quiet" aria-label={`Make deploy ${deploy.id} live`}>
            Make live
          </button>
        </form>
      )}
      <form class="inline" method="post" action={`${path}/delete`}>
        <Csrf token={frame.csrf} />
        <button class="button small danger" aria-label={`Remove deploy ${deploy.id}`}>
          Remove
        </button>
      </form>
    </span>
  );
}

function DeployBadges({ deploy }: { deploy: Deploy }): Html {
  return (
    <>
      {deploy.live && <Badge kind="good">live</Badge>}
      {deploy.draft && !deploy.releasedAt && <Badge>draft</Badge>}
      {deploy.state === "uploading" && <Badge kind="warn">not finished</Badge>}
      {deploy.warnings.length > 0 && (
        <Badge kind="warn">{countOf(deploy.warnings.length, "warning")}</Badge>
      )}
    </>
  );
}

/** `ada`, `ada with the key ci`. */
function whoOf({ createdBy, key }: Deploy): string {
  const who = createdBy ?? "an account that is gone";
  return key === null ? who : `${who}, key “${key}”`;
}

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
  const { frame, site, deploy, files } = props;
  const path = `/sites/${site.name}/deploys/${deploy.id}`;
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
      </dl>
      <DeployActs frame={frame} site={site} deploy={deploy} />
      {deploy.warnings.length > 0 && (
        <div class="notice warn">
          <p>
            <strong>Rules that are not obeyed</strong>
          </p>
          <ul>
            {deploy.warnings.map((line) => (
              <li>{line}</li>
            ))}
          </ul>
        </div>
      )}
      {props.diff && <Diff diff={props.diff} site={site.name} />}
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
          first={props.isLater ? path : undefined}
          next={
            files.next === null ? undefined : `${path}?cursor=${encodeURIComponent(files.next)}`
          }
        />
      </section>
    </SiteLayout>
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
