/** The pages of a site's functions with sample props, the awkward cases in. `sample-pages.tsx` takes them in. */
import type { Html } from "#html/html.ts";
import { SiteCronsPage } from "#web/site-crons.tsx";
import { SiteDeployPage } from "#web/site-deploy.tsx";
import { SiteEgressPage } from "#web/site-egress.tsx";
import { SiteEnvPage } from "#web/site-env.tsx";
import { SiteFunctionsPage } from "#web/site-functions.tsx";
import { SiteKvKeyPage, SiteKvPage } from "#web/site-kv.tsx";

import { app, entry, functions, kvPage, program, run, runs, viewer } from "./sample-app.ts";
import { ago, HOSTILE } from "./sample-package.ts";
import { frame, live, long, site } from "./sample-site.ts";

/** Every page of functions in its states: name → document. */
export const functionPages: Record<string, () => Html> = {
  "site-functions": () => (
    <SiteFunctionsPage
      frame={frame}
      site={app}
      functions={functions}
      quotas={{
        typed: { memoryBytes: "12", kvBytes: "512", diskBytes: "" },
        problems: { fields: { memoryBytes: "Use a whole number of MiB, at least 64" } },
      }}
    />
  ),
  "site-functions-empty": () => (
    <SiteFunctionsPage
      frame={frame}
      site={site}
      functions={{
        ...functions,
        available: false,
        problem: "Landlock is not there (kernel 5.4)",
        processes: [],
      }}
    />
  ),
  "site-functions-viewer": () => (
    <SiteFunctionsPage
      frame={frame}
      site={viewer}
      functions={{ ...functions, sandboxed: false, processes: [] }}
    />
  ),
  "deploy-program": () => (
    <SiteDeployPage
      frame={frame}
      site={app}
      deploy={{ ...live, program }}
      files={{ items: [], next: null }}
      isLater={false}
      diff={undefined}
    />
  ),
  "site-env": () => (
    <SiteEnvPage
      frame={frame}
      site={app}
      env={{
        items: [
          {
            key: "API_KEY",
            kind: "secret",
            value: null,
            updatedAt: ago(3),
            updatedBy: "grace-with-a-name-of-thirty-nine-letters",
          },
          {
            key: `LONG_${"NAME_".repeat(24)}X`,
            kind: "variable",
            value: `${HOSTILE} ${"value".repeat(100)}`,
            updatedAt: ago(0.1),
            updatedBy: null,
          },
          {
            key: "SEVERAL_LINES",
            kind: "variable",
            value: "one\ntwo\nthree",
            updatedAt: ago(0.1),
            updatedBy: "ada",
          },
        ],
      }}
      form={{
        key: HOSTILE,
        kind: "variable",
        problems: { problem: "Cannot take it yet", fields: { key: HOSTILE } },
      }}
      importProblems={{ problem: "Cannot read line 3: there is no =" }}
    />
  ),
  "site-env-empty": () => <SiteEnvPage frame={frame} site={app} env={{ items: [] }} />,
  "site-kv": () => (
    <SiteKvPage
      frame={frame}
      site={app}
      page={kvPage}
      prefix="user:"
      isLater
      form={{
        key: "user:1",
        value: "typed",
        ttl: "soon",
        problems: { problem: "Cannot take it yet", fields: { ttl: "Use a number of seconds" } },
      }}
    />
  ),
  "site-kv-empty": () => (
    <SiteKvPage
      frame={frame}
      site={app}
      page={{ ...kvPage, items: [], next: null, usedBytes: 0 }}
      prefix=""
      isLater={false}
    />
  ),
  "site-kv-entry": () => (
    <SiteKvKeyPage frame={frame} site={app} entry={entry} sizeBytes={entry.value.length} />
  ),
  "site-kv-binary": () => (
    <SiteKvKeyPage
      frame={frame}
      site={app}
      entry={{ ...entry, key: "logo.png", value: "/wA=", encoding: "base64", metadata: null }}
      sizeBytes={2}
    />
  ),
  "site-crons": () => (
    <SiteCronsPage
      frame={frame}
      site={app}
      crons={[
        { ...run({}), nextAt: ago(-0.005), last: run({}) },
        {
          cron: "0 4 * * *",
          timeZone: "America/Argentina/ComodRivadavia",
          nextAt: null,
          last: null,
        },
      ]}
      runs={{ items: runs, next: "c2" }}
      isLater={false}
      problems={{ problem: "Cannot run it now: the last run still goes on" }}
    />
  ),
  "site-crons-viewer": () => (
    <SiteCronsPage
      frame={frame}
      site={{ ...long, live: null }}
      crons={[]}
      runs={{ items: [], next: null }}
      isLater={false}
    />
  ),
  "site-egress": () => (
    <SiteEgressPage
      frame={frame}
      site={app}
      ledger={{
        days: 7,
        allow: ["api.example.com", "*.example.org:8443", `${"sub.".repeat(50)}example.net`],
        hosts: [
          {
            host: "api.example.com",
            requests: 120_431,
            refused: 0,
            bytesOut: 12_000_000,
            bytesIn: 982_000_000,
            lastAt: ago(0.001),
            problem: null,
          },
          {
            host: `${"sub.".repeat(50)}example.net:8443`,
            requests: 3,
            refused: 3,
            bytesOut: 0,
            bytesIn: 0,
            lastAt: ago(1),
            problem: "it is an address of a private network",
          },
          {
            host: "*",
            requests: 9,
            refused: 1,
            bytesOut: 9,
            bytesIn: 9,
            lastAt: ago(1),
            problem: HOSTILE,
          },
        ],
      }}
      form={{ hosts: `${HOSTILE}\nhttps://x`, problems: { fields: { hosts: "No host names" } } }}
    />
  ),
  "site-egress-empty": () => (
    <SiteEgressPage
      frame={frame}
      site={{ ...app, role: "developer" }}
      ledger={{ days: 30, allow: null, hosts: [] }}
    />
  ),
};
