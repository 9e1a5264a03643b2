/** The pages of sites with sample props, the awkward cases in. `sample-pages.tsx` takes them in. */
import type { Html } from "#html/html.ts";
import { SiteDeployPage } from "#web/site-deploy.tsx";
import { SiteDeploysPage } from "#web/site-deploys.tsx";
import { SiteDomainsPage } from "#web/site-domains.tsx";
import { SiteLogsPage } from "#web/site-logs.tsx";
import { SitePeoplePage } from "#web/site-people.tsx";
import { SiteSettingsPage } from "#web/site-settings.tsx";
import { SiteTrafficPage } from "#web/site-traffic.tsx";
import { SitesPage } from "#web/sites.tsx";

import { ago, HOSTILE } from "./sample-package.ts";
import {
  deploys,
  domainOf,
  frame,
  key,
  lines,
  live,
  long,
  none,
  paths,
  site,
  traffic,
} from "./sample-site.ts";

/** Every page of sites in its states: name → document. */
export const sitePages: Record<string, () => Html> = {
  sites: () => <SitesPage frame={frame} sites={[site, long]} next="c2" isLater={false} />,
  "sites-empty": () => (
    <SitesPage
      frame={frame}
      sites={[]}
      next={null}
      isLater={false}
      form={{
        name: HOSTILE,
        problems: { problem: "Cannot take it yet", fields: { name: HOSTILE } },
      }}
    />
  ),
  site: () => (
    <SiteDeploysPage
      frame={{ ...frame, flash: { kind: "done", text: "Deployed" } }}
      site={site}
      deploys={{ items: deploys, next: "c2" }}
      isLater={false}
    />
  ),
  "site-empty": () => (
    <SiteDeploysPage
      frame={frame}
      site={{ ...site, live: null, domains: [] }}
      deploys={{ items: [], next: null }}
      isLater={false}
      problems={{ problem: `Cannot read the archive: ${HOSTILE}` }}
    />
  ),
  "site-viewer": () => (
    <SiteDeploysPage frame={frame} site={long} deploys={{ items: deploys, next: null }} isLater />
  ),
  deploy: () => (
    <SiteDeployPage
      frame={frame}
      site={site}
      deploy={deploys[2] ?? live}
      files={{
        items: [
          { path: "index.html", sha256: "ab".repeat(32), sizeBytes: 812 },
          { path: `${"deep/".repeat(40)}file.txt`, sha256: "cd".repeat(32), sizeBytes: 1_200_000 },
          { path: HOSTILE, sha256: "ef".repeat(32), sizeBytes: 0 },
        ],
        next: "c2",
      }}
      isLater={false}
      diff={{
        from: "a1s2d3f4g5",
        to: "m4n5b6v7c8",
        added: paths(3),
        changed: [HOSTILE],
        removed: paths(250),
        total: { added: 3, changed: 1, removed: 250, unchanged: 1000 },
      }}
    />
  ),
  "site-traffic": () => <SiteTrafficPage frame={frame} site={site} traffic={traffic} days={30} />,
  "site-traffic-hours": () => (
    <SiteTrafficPage frame={frame} site={site} traffic={traffic} days={1} />
  ),
  "site-traffic-empty": () => (
    <SiteTrafficPage
      frame={frame}
      site={site}
      traffic={{
        ...traffic,
        total: none,
        days: [],
        hours: [],
        paths: [],
        referrers: [],
        statuses: [],
        countries: [],
      }}
      days={7}
    />
  ),
  "site-domains": () => (
    <SiteDomainsPage
      frame={frame}
      site={site}
      isLater={false}
      domains={{
        items: [
          domainOf("www.field-notes.org"),
          domainOf("field-notes.net", {
            state: "pending",
            certificate: "none",
            verifiedAt: null,
            problem: "There is no TXT record at _land.field-notes.net",
          }),
          domainOf(`${"sub.".repeat(20)}example.org`, {
            state: "failing",
            certificate: "failing",
            problem: HOSTILE,
            certificateProblem: `The authority said: ${HOSTILE}`,
          }),
        ],
        next: null,
      }}
      form={{ host: HOSTILE, problems: { fields: { host: "No host name" } } }}
    />
  ),
  "site-domains-empty": () => (
    <SiteDomainsPage
      frame={frame}
      site={{ ...site, domains: [] }}
      domains={{ items: [], next: null }}
      isLater={false}
    />
  ),
  "site-people": () => (
    <SitePeoplePage
      frame={frame}
      site={site}
      members={{
        items: [
          { user: "ada", role: "owner", addedAt: ago(300) },
          { user: "grace-with-a-name-of-thirty-nine-letters", role: "viewer", addedAt: ago(3) },
        ],
        next: "WzFd",
      }}
      keys={{
        items: [key, { ...key, id: "t2", name: HOSTILE, lastUsedAt: null, expiresAt: null }],
        next: null,
      }}
      isLater
      newKey={{ ...key, id: "t3", name: "grace", token: `land_${"a1B2".repeat(13).slice(0, 49)}` }}
      memberForm={{ user: HOSTILE, problems: { fields: { user: "There is no such account" } } }}
      keyForm={{ name: HOSTILE, problems: { fields: { name: "Shorter, please" } } }}
    />
  ),
  "site-people-viewer": () => (
    <SitePeoplePage
      frame={frame}
      site={long}
      members={{ items: [{ user: "ada", role: "viewer", addedAt: ago(300) }], next: null }}
      keys={{ items: [], next: null }}
      isLater={false}
    />
  ),
  "site-logs": () => (
    <SiteLogsPage
      frame={frame}
      site={site}
      logs={{ items: lines, next: "c2" }}
      level={undefined}
      requestId={undefined}
      isLater={false}
    />
  ),
  "site-logs-empty": () => (
    <SiteLogsPage
      frame={frame}
      site={site}
      logs={{ items: [], next: null }}
      level="error"
      requestId="AbCdEfGh1234"
      isLater={false}
    />
  ),
  "site-settings": () => (
    <SiteSettingsPage
      frame={frame}
      site={{ ...site, protection: "password" }}
      problems={{ fields: { password: "Use at least 8 characters" } }}
      deleteProblems={{ fields: { confirm: "Type field-notes" } }}
    />
  ),
  "site-settings-viewer": () => (
    <SiteSettingsPage frame={frame} site={{ ...long, requestsPerMinute: 0 }} />
  ),
};
