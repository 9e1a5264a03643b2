import type { Deploy, Domain, LogLine, Site } from "#sites/model.ts";
import type { Traffic } from "#traffic/model.ts";
import type { Frame } from "#web/layout.tsx";

import { ago, HOSTILE, NOW } from "./sample-package.ts";

export const frame: Frame & { user: { name: string; admin: boolean } } = {
  user: { name: "ada", admin: false },
  csrf: "csrf-token",
  publicUrl: "https://land.example.com",
  now: NOW,
};
const LONG_SITE = "the-longest-name-that-a-site-may-have-is-this-one1";

const deployOf = (id: string, more: Partial<Deploy> = {}): Deploy => ({
  id,
  site: "field-notes",
  state: "ready",
  live: false,
  draft: false,
  message: "",
  source: "api",
  files: 2222,
  sizeBytes: 14_320_411,
  program: null,
  warnings: [],
  url: `https://${id}--field-notes.land.example.com`,
  createdAt: ago(1),
  createdBy: "ada",
  key: null,
  finishedAt: ago(1),
  releasedAt: ago(1),
  ...more,
});
export const live = deployOf("k3v9x0q2ab", {
  live: true,
  message: "Opening hours of the winter",
  createdAt: ago(0.02),
  finishedAt: ago(0.02),
});
export const deploys: Deploy[] = [
  deployOf("p0o9i8u7zt", {
    state: "uploading",
    finishedAt: null,
    releasedAt: null,
    createdAt: ago(0.001),
    files: 17,
    createdBy: "grace",
  }),
  live,
  deployOf("m4n5b6v7c8", {
    draft: true,
    releasedAt: null,
    message: HOSTILE,
    key: HOSTILE,
    warnings: ["_redirects line 3: proxying is not obeyed", HOSTILE],
  }),
  deployOf("a1s2d3f4g5", {
    createdBy: null,
    source: "browser",
    message: "a".repeat(180),
    files: 1,
    sizeBytes: 0,
    createdAt: ago(40),
    finishedAt: ago(40),
  }),
];

export const site: Site = {
  name: "field-notes",
  url: "https://field-notes.land.example.com",
  role: "owner",
  protection: "none",
  maintenance: false,
  keyPrograms: false,
  live,
  domains: ["www.field-notes.org"],
  usedBytes: 231_000_000,
  quotaBytes: 5_000_000_000,
  quotaFiles: 50_000,
  requestsPerMinute: 6000,
  createdAt: ago(300),
  updatedAt: ago(1),
};
export const long: Site = {
  ...site,
  name: LONG_SITE,
  url: `https://${LONG_SITE}.land.example.com`,
  domains: [`${"sub.".repeat(20)}example.org`],
  role: "viewer",
  protection: "password",
  maintenance: true,
  live: null,
};

export const domainOf = (host: string, more: Partial<Domain> = {}): Domain => ({
  host,
  state: "verified",
  url: `https://${host}`,
  record: `_land.${host}`,
  value: "land-site=ada:7f3kq0v2m9x8w1c5b4n6",
  target: "land.example.com",
  problem: null,
  certificate: "ready",
  certificateProblem: null,
  createdAt: ago(20),
  verifiedAt: ago(19),
  checkedAt: ago(0.2),
  ...more,
});

const days = Array.from({ length: 30 }, (_, index) => ({
  day: ago(29 - index).slice(0, 10),
  requests: index < 5 ? 0 : Math.round(4000 + 2500 * Math.sin(index / 3)),
  pages: index < 5 ? 0 : Math.round(1400 + 900 * Math.sin(index / 3)),
  visitors: index < 5 ? 0 : Math.round(300 + 160 * Math.sin(index / 3)),
  bytes: index < 5 ? 0 : 84_000_000 + index * 1_000_000,
  bots: index * 3,
}));
const hours = Array.from({ length: 48 }, (_, index) => ({
  hour: `${ago((47 - index) / 24).slice(0, 13)}:00:00.000Z`,
  requests: index * 4,
  pages: index * 2,
  visitors: index,
  bytes: index * 90_000,
  bots: index % 3,
}));
export const none = { requests: 0, pages: 0, visitors: 0, bytes: 0, bots: 0 };
export const traffic: Traffic = {
  from: days[0]?.day ?? "",
  to: days.at(-1)?.day ?? "",
  total: { requests: 98_412, pages: 34_020, visitors: 7304, bytes: 2_412_000_000, bots: 1290 },
  days,
  hours,
  paths: [
    { item: "/", count: 9120, bytes: 12_000_000 },
    { item: "/blog/first-snow", count: 4101, bytes: 9_000_000 },
    { item: `/${"a-very-long-path/".repeat(12)}`, count: 12, bytes: 900 },
    { item: HOSTILE, count: 1, bytes: 1 },
  ],
  referrers: [
    { item: "news.example.org", count: 812, bytes: 0 },
    { item: HOSTILE, count: 1, bytes: 0 },
  ],
  statuses: [
    { item: "200", count: 90_000, bytes: 2_000_000_000 },
    { item: "304", count: 8000, bytes: 0 },
    { item: "404", count: 412, bytes: 40_000 },
  ],
  countries: [
    { item: "DE", count: 4000, bytes: 0 },
    { item: "AT", count: 900, bytes: 0 },
  ],
};

const lineOf = (id: number, more: Partial<LogLine>): LogLine => ({
  id,
  at: ago(0.001 * (20 - id)),
  level: "info",
  kind: "request",
  requestId: "lLHDjrYzwOcs",
  message: "GET /blog/first-snow 200 1.2 kB 3 ms",
  data: {},
  ...more,
});
export const lines = [
  lineOf(9, {}),
  lineOf(8, { level: "warn", message: "GET /nowhere 404 812 B 1 ms" }),
  lineOf(7, { kind: "deploy", message: "ada deployed k3v9x0q2ab: 2,222 files" }),
  lineOf(6, { level: "error", kind: "domain", message: `the proof is gone: ${HOSTILE}` }),
  lineOf(10, {
    level: "error",
    kind: "program",
    message: `Uncaught TypeError: ${HOSTILE}\n    at deep (main.ts:45:57)\n    at fetch (main.ts:29:46)`,
  }),
  lineOf(5, { message: `GET /${"a-very-long-path/".repeat(20)} 200` }),
];

export const key = {
  id: "t1",
  name: "ci",
  scopes: ["deploy:field-notes"],
  createdAt: ago(20),
  expiresAt: ago(-70),
  lastUsedAt: ago(0.1),
};
export const paths = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `posts/walk-number-${index}/index.html`);
