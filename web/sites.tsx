import type { Html } from "#html/html.ts";
import type { Site } from "#sites/model.ts";

import { type Frame, Layout } from "./layout.tsx";
import { SiteBadges, sitePath } from "./site-layout.tsx";
import {
  Ago,
  Bytes,
  CodeLine,
  countOf,
  Csrf,
  Empty,
  Field,
  FormProblem,
  type FormProblems,
  Pagination,
} from "./ui.tsx";

/** What this page is made from. */
export type SitesProps = {
  frame: Frame;
  sites: readonly Site[];
  /** The cursor of the next page, and whether this is not the first. */
  next: string | null;
  isLater: boolean;
  /** The form for a new site as it came back. */
  form?: { name: string; problems: FormProblems } | undefined;
};

/** `/sites`: the sites that the account is a member of, and the way to another. */
export function SitesPage({ frame, sites, next, isLater, form }: SitesProps): Html {
  return (
    <Layout frame={frame} title="Sites" isPrivate>
      <div class="page-head">
        <h1>Your sites</h1>
      </div>
      {sites.length === 0 ? (
        <Empty title="No sites yet">
          <p>In the folder of a site:</p>
          <CodeLine code={`land login --registry ${frame.publicUrl}`} label="the login command" />
          <CodeLine code="land deploy" label="the deploy command" />
        </Empty>
      ) : (
        <ul class="packages">
          {sites.map((site) => (
            <SiteRow site={site} now={frame.now} />
          ))}
        </ul>
      )}
      <Pagination
        first={isLater ? "/sites" : undefined}
        next={next === null ? undefined : `/sites?cursor=${encodeURIComponent(next)}`}
      />
      <section class="part" aria-labelledby="new">
        <h2 id="new">A new site</h2>
        <form class="card row" method="post" action="/sites">
          <FormProblem problems={form?.problems} />
          <Csrf token={frame.csrf} />
          <Field
            name="name"
            label="Name"
            value={form?.name}
            problems={form?.problems}
            maxlength={50}
            pattern="[a-z0-9](-?[a-z0-9])*"
            autocomplete="off"
            hint="Its address begins with it: a-z, 0-9 and single hyphens."
            required
          />
          <button class="button">Make site</button>
        </form>
      </section>
    </Layout>
  );
}

function SiteRow({ site, now }: { site: Site; now: Date }): Html {
  return (
    <li>
      <div class="package-head">
        <a class="package-name" href={sitePath(site.name)}>
          {site.name}
        </a>
        <SiteBadges site={site} />
      </div>
      <p class="package-facts">
        <a href={site.url} rel="nofollow noopener">
          {site.url.replace(/^https?:\/\//, "")}
        </a>
        {site.live && (
          <>
            <span>
              deployed <Ago at={site.live.finishedAt ?? site.live.createdAt} now={now} />
              {site.live.createdBy && ` by ${site.live.createdBy}`}
            </span>
            <span>
              {countOf(site.live.files, "file")}
              {site.live.program && `, ${site.live.program.name}`}
            </span>
          </>
        )}
        <span>
          <Bytes value={site.usedBytes} /> on disk
        </span>
      </p>
    </li>
  );
}
