import type { Html } from "#html/html.ts";
import type { Deploy, DeployPage } from "#sites/model.ts";

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
        <input
          id="file"
          name="file"
          type="file"
          accept=".zip,.tgz,.gz"
          aria-describedby="file-program"
          required
        />
        <p class="hint" data-drop-hint hidden>
          Or drop a folder or a zip anywhere on this box.
        </p>
        <p class="hint" id="file-program">
          A <code>main.ts</code>, or a <code>main.js</code> without an <code>index.html</code>{" "}
          beside it, becomes the program of the site if it imports nothing but <code>node:</code>{" "}
          and <code>bun:</code> modules; <code>land deploy</code> bundles what programs import.
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
            {deploy.program && <p class="soft small">with {deploy.program.name}</p>}
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

/** What can be done with a deploy that is not live, for who may. */
export function DeployActs({ frame, site, deploy }: SiteFrame & { deploy: Deploy }): Html | null {
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

/** What is out of the ordinary about a deploy. */
export function DeployBadges({ deploy }: { deploy: Deploy }): Html {
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
export function whoOf({ createdBy, key }: Deploy): string {
  const who = createdBy ?? "an account that is gone";
  return key === null ? who : `${who}, key “${key}”`;
}
