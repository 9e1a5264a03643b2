/**
 * Sample props for every page, with the awkward cases in: long names, hostile text, nothing at all.
 * The tests of `web/` and the screenshots use it.
 */
import { fail } from "#base/errors.ts";
import type { Html } from "#html/html.ts";
import type { Package } from "#registry/model.ts";
import { DashboardPage } from "#web/dashboard.tsx";
import { ErrorCodePage, ErrorPage, ErrorsPage } from "#web/error.tsx";
import { HomePage } from "#web/home.tsx";
import type { Frame } from "#web/layout.tsx";
import { LoginPage } from "#web/login.tsx";
import { renderReadme, repositoryBase } from "#web/markdown.ts";
import { PackagePage } from "#web/package.tsx";
import { PackagesPage } from "#web/packages.tsx";
import { RegisterPage } from "#web/register.tsx";
import { SettingsPage } from "#web/settings.tsx";

import { functionPages } from "./sample-functions.tsx";
import { ago, HOSTILE, LONG, NOW, README, sample, summary, version } from "./sample-package.ts";
import { sitePages } from "./sample-sites.tsx";

const visitor: Frame = {
  user: undefined,
  csrf: "csrf-token",
  publicUrl: "https://land.example.com",
  now: NOW,
};
const member = { ...visitor, user: { name: "ada", admin: false } };
const admin = { ...visitor, user: { name: "ada", admin: true } };

const days = Array.from({ length: 30 }, (_, index) => ({
  day: ago(30 - index).slice(0, 10),
  count: index % 7 === 5 ? 0 : Math.round(400 + 300 * Math.sin(index / 3) + index * 12),
}));

const many = [
  summary("@ada/contour", { downloads: 1_284_093 }),
  summary("left"),
  summary(LONG, {
    description: "A name that does not fit on a phone, to see whether it wraps",
    keywords: ["a".repeat(60)],
  }),
  summary("empty", { description: "", keywords: [], downloads: 0, version: "0.0.1" }),
  summary("gone", { version: null, downloads: 1 }),
  summary("hostile", { description: HOSTILE, keywords: [HOSTILE] }),
];

const packageProps = {
  frame: visitor,
  package: sample,
  version: version("2.1.0"),
  isPinned: false,
  readme: renderReadme(README, repositoryBase(sample.repository)),
  dependents: {
    items: [
      { name: "hillshade", version: "1.0.0", range: "^2.0.0", kind: "normal" as const },
      { name: "atlas", version: "0.3.0", range: "2.x", kind: "peer" as const },
    ],
    next: null,
  },
  downloads: { total: sample.downloads, days },
};
const bare: Package = {
  ...sample,
  name: LONG,
  tags: {},
  owners: [],
  keywords: [],
  repository: HOSTILE,
  homepage: "javascript:alert(1)",
  versions: [],
};
const bareVersion = version("0.0.1-alpha.0", {
  name: LONG,
  description: HOSTILE,
  license: HOSTILE,
  dependencies: {},
  optionalDependencies: {},
  engines: {},
  bin: {},
  key: null,
  sig: null,
  yanked: true,
  deprecated: HOSTILE,
  publishedBy: null,
});

const tokens = [
  {
    id: "t1",
    name: "CI of contour",
    scopes: ["publish:@ada/*", "yank"],
    createdAt: ago(20),
    expiresAt: ago(-70),
    lastUsedAt: ago(0.1),
  },
  {
    id: "t2",
    name: HOSTILE,
    scopes: ["account"],
    createdAt: ago(200),
    expiresAt: null,
    lastUsedAt: null,
  },
];
const user = { name: "ada", email: "ada@example.com", admin: true, createdAt: ago(400) };
const failed = {
  problem: "Cannot make the account",
  fields: { username: `The user name ${HOSTILE} is taken`, password: "Use at least 10 characters" },
};

/** Every page in its states: name → document. */
export const pages: Record<string, () => Html> = {
  home: () => (
    <HomePage frame={visitor} lists={{ recent: many.slice(0, 4), popular: many.slice(1, 6) }} />
  ),
  "home-empty": () => <HomePage frame={visitor} lists={{ recent: [], popular: [] }} />,
  "home-members": () => <HomePage frame={visitor} lists={undefined} />,
  packages: () => (
    <PackagesPage
      frame={member}
      q=""
      sort="updated"
      cursor={undefined}
      page={{ items: many, next: "c2" }}
    />
  ),
  search: () => (
    <PackagesPage
      frame={visitor}
      q="height"
      sort="relevance"
      cursor="c2"
      page={{ items: many.slice(0, 3), next: null }}
    />
  ),
  "search-empty": () => (
    <PackagesPage
      frame={visitor}
      q={HOSTILE}
      sort="relevance"
      cursor={undefined}
      page={{ items: [], next: null }}
    />
  ),
  package: () => <PackagePage {...packageProps} />,
  version: () => (
    <PackagePage {...packageProps} isPinned version={version("2.0.1", { yanked: true })} />
  ),
  "package-bare": () => (
    <PackagePage
      {...packageProps}
      package={{ ...bare, versions: [bareVersion] }}
      version={bareVersion}
      readme={undefined}
      dependents={{ items: [], next: null }}
      downloads={{ total: 0, days: [] }}
    />
  ),
  login: () => (
    <LoginPage
      frame={visitor}
      next="/settings"
      values={{ username: HOSTILE }}
      problems={{ problem: "Wrong name or password" }}
    />
  ),
  register: () => (
    <RegisterPage
      frame={visitor}
      registration="invite"
      values={{ username: "Ada", email: HOSTILE, code: "x" }}
      problems={failed}
    />
  ),
  "register-closed": () => <RegisterPage frame={visitor} registration="closed" />,
  dashboard: () => <DashboardPage frame={member} packages={many.slice(0, 2)} />,
  "dashboard-empty": () => (
    <DashboardPage
      frame={{ ...member, flash: { kind: "done", text: "Welcome, ada" } }}
      packages={[]}
    />
  ),
  settings: () => (
    <SettingsPage
      frame={admin}
      user={user}
      tokens={tokens}
      keys={[{ key: version("1.0.0").key ?? "", name: "laptop", createdAt: ago(30) }]}
      newToken={{
        id: "t3",
        name: "deploy",
        scopes: ["read"],
        createdAt: ago(0),
        expiresAt: null,
        lastUsedAt: null,
        token: `land_${"a1B2".repeat(13).slice(0, 49)}`,
      }}
      invites={[
        { id: "i1", note: "for Grace", createdAt: ago(2), expiresAt: ago(-5), usedBy: null },
        { id: "i2", note: "", createdAt: ago(20), expiresAt: null, usedBy: "grace" },
      ]}
      newInvite={{
        id: "i3",
        note: "",
        createdAt: ago(0),
        expiresAt: null,
        usedBy: null,
        code: "K7QF-2M9X-PR4T",
      }}
    />
  ),
  "settings-empty": () => (
    <SettingsPage
      frame={member}
      user={{ ...user, admin: false }}
      tokens={[]}
      keys={[]}
      tokenForm={{
        values: { name: HOSTILE, scopes: ["read"], narrow: HOSTILE, expiresInDays: "30" },
        problems: { fields: { scopes: "Choose at least one scope" } },
      }}
    />
  ),
  error: () => (
    <ErrorPage
      frame={visitor}
      error={fail("package_not_found", { name: HOSTILE })}
      requestId="0f3c9a"
    />
  ),
  internal: () => <ErrorPage frame={visitor} error={fail("internal", {})} requestId="0f3c9a" />,
  errors: () => <ErrorsPage frame={visitor} />,
  "error-code": () => <ErrorCodePage frame={visitor} code="version_exists" />,
  ...sitePages,
  ...functionPages,
};
