/** Every route of sites, and who is let in: what `rights.test.ts`, `members.test.ts` and `sites-rights.test.ts` go by. */

import { gzipped, rawTar } from "#fixtures/tar.ts";

/** A request that changes nothing where it is let in, unless `ends`: then the site must be made again after it. */
export type Case = {
  path: string;
  send?: () => { type?: string; body: string | FormData };
  /** Who is let in, to be told that what they want is done or not there; everybody else gets a refusal. A token that is none is never anyone. */
  may: readonly string[] | "anyone";
  ends?: true;
};

/** A body of JSON. */
export const json = (value: unknown) => () => ({
  type: "application/json",
  body: JSON.stringify(value),
});
/** The fields of a form. */
export const form = (fields: Record<string, string>) => () => ({
  type: "application/x-www-form-urlencoded",
  body: new URLSearchParams(fields).toString(),
});
/** A form with an archive that becomes a draft where it is let in. */
const upload = (fields: Record<string, string>) => () => {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  body.set("draft", "true");
  const bytes = gzipped(rawTar([{ name: "index.html", content: "a draft" }]));
  body.set("file", new Blob([Uint8Array.from(bytes)]), "site.tgz");
  return { body };
};

const EVERYBODY = ["root account", "bob account", "ada account", "dev account", "vic account"];
const PEOPLE = [...EVERYBODY, "ada session"];
/** Who decides about the site: its owner, and admins of the server. */
const OWNERS = ["root account", "ada account", "ada session"];
const DEVELOPERS = [...OWNERS, "ada site:blog", "dev account"];
const DEPLOYERS = [...DEVELOPERS, "ada deploy", "ada deploy:blog", "dev deploy:blog"];
const NO_DEPLOY = "0000000000";
const PATH = "/api/v1/sites/blog";

/** Every route of sites that changes something. */
export const SITE_WRITES: Record<string, Case> = {
  "POST /api/v1/sites": { path: "/api/v1/sites", send: json({ name: "www" }), may: PEOPLE },
  "PATCH /api/v1/sites/:site": { path: PATH, send: json({}), may: OWNERS },
  "DELETE /api/v1/sites/:site": { path: PATH, may: OWNERS, ends: true },
  "PUT /api/v1/sites/:site/members/:user": {
    path: `${PATH}/members/nobody`,
    send: json({ role: "viewer" }),
    may: OWNERS,
  },
  "DELETE /api/v1/sites/:site/members/:user": { path: `${PATH}/members/nobody`, may: OWNERS },
  "POST /api/v1/sites/:site/deploys": {
    path: `${PATH}/deploys`,
    send: json({ files: { "../x": { sha256: "0".repeat(64), size: 1 } } }),
    may: DEPLOYERS,
  },
  "POST /api/v1/sites/:site/deploys/:id/files": {
    path: `${PATH}/deploys/${NO_DEPLOY}/files`,
    send: json({ files: {} }),
    may: DEPLOYERS,
  },
  "POST /api/v1/sites/:site/deploys/:id/finalize": {
    path: `${PATH}/deploys/${NO_DEPLOY}/finalize`,
    send: json({}),
    may: DEPLOYERS,
  },
  "POST /api/v1/sites/:site/rollback": {
    path: `${PATH}/rollback`,
    send: json({ deploy: NO_DEPLOY }),
    may: DEPLOYERS,
  },
  "PUT /api/v1/sites/:site/deploys/:id/blobs/sha256/:hex": {
    path: `${PATH}/deploys/${NO_DEPLOY}/blobs/sha256/${"0".repeat(64)}`,
    send: () => ({ body: "x" }),
    may: DEPLOYERS,
  },
  "POST /api/v1/sites/:site/deploys/:id/blobs/": {
    path: `${PATH}/deploys/${NO_DEPLOY}/blobs`,
    send: () => ({ body: "x" }),
    may: DEPLOYERS,
  },
  "DELETE /api/v1/sites/:site/deploys/:id": {
    path: `${PATH}/deploys/${NO_DEPLOY}`,
    may: DEVELOPERS,
  },
  "POST /api/v1/sites/:site/domains/": {
    path: `${PATH}/domains`,
    send: json({ host: "localhost" }),
    may: DEVELOPERS,
  },
  "POST /api/v1/sites/:site/domains/:host": { path: `${PATH}/domains/localhost`, may: DEVELOPERS },
  "DELETE /api/v1/sites/:site/domains/:host": {
    path: `${PATH}/domains/none.example.com`,
    may: DEVELOPERS,
  },
  "POST /api/v1/sites/:site/crons/run": {
    path: `${PATH}/crons/run`,
    send: json({ cron: "0 0 1 1 *" }),
    may: DEVELOPERS,
  },
  "PUT /api/v1/sites/:site/egress": {
    path: `${PATH}/egress`,
    send: json({ allow: null }),
    may: OWNERS,
  },
  "POST /sites/:site/crons/run": {
    path: "/sites/blog/crons/run",
    send: form({ cron: "0 0 1 1 *", timeZone: "UTC" }),
    may: DEVELOPERS,
  },
  "POST /sites/:site/egress": {
    path: "/sites/blog/egress",
    send: form({ hosts: "not a host!" }),
    may: OWNERS,
  },
  "POST /sites/:site/egress/reset": {
    path: "/sites/blog/egress/reset",
    send: form({}),
    may: OWNERS,
  },
  "POST /api/deploy": { path: "/api/deploy", send: upload({ site_name: "blog" }), may: DEPLOYERS },
  "POST /sites/": { path: "/sites", send: form({ name: "www" }), may: PEOPLE },
  "POST /sites/:site/settings": {
    path: "/sites/blog/settings",
    send: form({ protection: "none" }),
    may: OWNERS,
  },
  "POST /sites/:site/settings/keys": {
    path: "/sites/blog/settings/keys",
    send: form({}),
    may: OWNERS,
  },
  "POST /sites/:site/functions": {
    path: "/sites/blog/functions",
    send: form({}),
    may: ["root account"],
  },
  "POST /sites/:site/delete": {
    path: "/sites/blog/delete",
    send: form({ confirm: "blog" }),
    may: OWNERS,
    ends: true,
  },
  "POST /sites/:site/upload": { path: "/sites/blog/upload", send: upload({}), may: DEPLOYERS },
  "POST /sites/:site/upload/folder": {
    path: "/sites/blog/upload/folder",
    send: upload({}),
    may: DEPLOYERS,
  },
  "POST /sites/:site/deploys/:id/release": {
    path: `/sites/blog/deploys/${NO_DEPLOY}/release`,
    send: form({}),
    may: DEPLOYERS,
  },
  "POST /sites/:site/deploys/:id/delete": {
    path: `/sites/blog/deploys/${NO_DEPLOY}/delete`,
    send: form({}),
    may: DEVELOPERS,
  },
  "POST /sites/:site/domains": {
    path: "/sites/blog/domains",
    send: form({ host: "localhost" }),
    may: DEVELOPERS,
  },
  "POST /sites/:site/domains/:host/verify": {
    path: "/sites/blog/domains/none.example.com/verify",
    send: form({}),
    may: DEVELOPERS,
  },
  "POST /sites/:site/domains/:host/remove": {
    path: "/sites/blog/domains/none.example.com/remove",
    send: form({}),
    may: DEVELOPERS,
  },
  "POST /sites/:site/members": {
    path: "/sites/blog/members",
    send: form({ user: "nobody", role: "viewer" }),
    may: OWNERS,
  },
  "POST /sites/:site/members/remove": {
    path: "/sites/blog/members/remove",
    send: form({ user: "nobody" }),
    may: OWNERS,
  },
  "POST /sites/:site/keys": {
    path: "/sites/blog/keys",
    send: form({ name: "x", scope: "deploy" }),
    may: [...OWNERS, "dev account", "vic account"],
  },
  "POST /sites/:site/keys/:id/revoke": {
    path: "/sites/blog/keys/0000/revoke",
    send: form({}),
    may: PEOPLE,
  },
  "POST /api/v1/sites/:site/functions/start": { path: `${PATH}/functions/start`, may: DEPLOYERS },
  "PATCH /api/v1/sites/:site/functions": {
    path: `${PATH}/functions`,
    send: json({}),
    may: ["root account"],
  },
  "DELETE /api/v1/sites/:site/database": { path: `${PATH}/database`, may: OWNERS },
  "POST /sites/:site/functions/database": {
    path: "/sites/blog/functions/database",
    send: form({ confirm: "blog" }),
    may: OWNERS,
  },
  "PUT /api/v1/sites/:site/kv/:key": {
    path: `${PATH}/kv/${"k".repeat(600)}`,
    send: () => ({ body: "x" }),
    may: DEVELOPERS,
  },
  "DELETE /api/v1/sites/:site/kv/:key": { path: `${PATH}/kv/absent`, may: DEVELOPERS },
  "POST /api/v1/sites/:site/env/": {
    path: `${PATH}/env`,
    send: json({ values: { KV: "x" } }),
    may: DEVELOPERS,
  },
  "PUT /api/v1/sites/:site/env/:key": {
    path: `${PATH}/env/KV`,
    send: json({ value: "x" }),
    may: DEVELOPERS,
  },
  "DELETE /api/v1/sites/:site/env/:key": { path: `${PATH}/env/NONE`, may: DEVELOPERS },
  "POST /sites/:site/kv": {
    path: "/sites/blog/kv",
    send: form({ key: "..", value: "x" }),
    may: DEVELOPERS,
  },
  "POST /sites/:site/kv/delete": {
    path: "/sites/blog/kv/delete",
    send: form({ key: "none" }),
    may: DEVELOPERS,
  },
  "POST /sites/:site/env": {
    path: "/sites/blog/env",
    send: form({ key: "KV", value: "x" }),
    may: DEVELOPERS,
  },
  "POST /sites/:site/env/import": {
    path: "/sites/blog/env/import",
    send: form({ text: "KV=x" }),
    may: DEVELOPERS,
  },
  "POST /sites/:site/env/unset": {
    path: "/sites/blog/env/unset",
    send: form({ key: "NONE" }),
    may: DEVELOPERS,
  },
};

/** Members, with all that they may. */
const MEMBERS = [...OWNERS, "dev account", "vic account"];
const SITE_SCOPE = [...DEVELOPERS, "vic account", "vic site:blog"];
const DEPLOY_SCOPE = [...DEPLOYERS, "vic account", "vic site:blog"];
const STATS_SCOPE = [...SITE_SCOPE, "ada stats:blog"];
/** Any token that is for the site, and admins. */
const ANY_SCOPE = [...DEPLOY_SCOPE, "ada stats:blog", "root admin"];
const KEYS = ["ada site:left", "ada deploy:left", "bob site:blog", "bob deploy", "root site:blog"];
/** Whoever has sites at all: the list has their own. */
const LISTERS = [...ANY_SCOPE, ...KEYS, "bob account"];

/** Every route of sites that reads, and who gets an answer. `DEPLOY` stands for the live deploy of the site. */
export const SITE_READS: Record<string, Pick<Case, "path"> & { may: readonly string[] }> = {
  "/api/v1/sites": { path: "/api/v1/sites", may: LISTERS },
  "/api/v1/sites/:site": { path: PATH, may: ANY_SCOPE },
  "/api/v1/sites/:site/keys": { path: `${PATH}/keys`, may: MEMBERS },
  "/api/v1/sites/:site/members/": { path: `${PATH}/members`, may: ANY_SCOPE },
  "/api/v1/sites/:site/members/:user": { path: `${PATH}/members/ada`, may: ANY_SCOPE },
  "/api/v1/sites/:site/deploys": { path: `${PATH}/deploys`, may: ANY_SCOPE },
  "/api/v1/sites/:site/deploys/:id": { path: `${PATH}/deploys/DEPLOY`, may: ANY_SCOPE },
  "/api/v1/sites/:site/releases": { path: `${PATH}/releases`, may: ANY_SCOPE },
  "/api/v1/sites/:site/deploys/:id/files": {
    path: `${PATH}/deploys/DEPLOY/files`,
    may: DEPLOY_SCOPE,
  },
  "/api/v1/sites/:site/deploys/:id/raw": {
    path: `${PATH}/deploys/DEPLOY/raw?path=index.html`,
    may: DEPLOY_SCOPE,
  },
  "/api/v1/sites/:site/deploys/:id/diff": {
    path: `${PATH}/deploys/DEPLOY/diff`,
    may: DEPLOY_SCOPE,
  },
  "/api/v1/sites/:site/domains/": { path: `${PATH}/domains`, may: SITE_SCOPE },
  "/api/v1/sites/:site/domains/:host": {
    path: `${PATH}/domains/own.example.com`,
    may: SITE_SCOPE,
  },
  "/api/v1/sites/:site/traffic": { path: `${PATH}/traffic`, may: STATS_SCOPE },
  "/api/v1/sites/:site/logs": { path: `${PATH}/logs`, may: SITE_SCOPE },
  "/api/v1/sites/:site/functions": { path: `${PATH}/functions`, may: ANY_SCOPE },
  "/sites/:site/functions": { path: "/sites/blog/functions", may: ANY_SCOPE },
  "/api/v1/sites/:site/crons": { path: `${PATH}/crons`, may: SITE_SCOPE },
  "/api/v1/sites/:site/crons/runs": { path: `${PATH}/crons/runs`, may: SITE_SCOPE },
  "/api/v1/sites/:site/egress": { path: `${PATH}/egress`, may: DEVELOPERS },
  "/sites/:site/crons": { path: "/sites/blog/crons", may: SITE_SCOPE },
  "/sites/:site/egress": { path: "/sites/blog/egress", may: DEVELOPERS },
  "/api/v1/sites/:site/kv/": { path: `${PATH}/kv`, may: DEVELOPERS },
  "/api/v1/sites/:site/kv/:key": { path: `${PATH}/kv/absent`, may: DEVELOPERS },
  "/api/v1/sites/:site/env/": { path: `${PATH}/env`, may: DEVELOPERS },
  "/sites/:site/kv": { path: "/sites/blog/kv", may: DEVELOPERS },
  "/sites/:site/kv/entry": { path: "/sites/blog/kv/entry?key=absent", may: DEVELOPERS },
  "/sites/:site/env": { path: "/sites/blog/env", may: DEVELOPERS },
  "/sites/": { path: "/sites", may: LISTERS },
  "/sites/:site": { path: "/sites/blog", may: ANY_SCOPE },
  "/sites/:site/deploys/:id": { path: "/sites/blog/deploys/DEPLOY", may: DEPLOY_SCOPE },
  "/sites/:site/traffic": { path: "/sites/blog/traffic", may: STATS_SCOPE },
  "/sites/:site/traffic.csv": { path: "/sites/blog/traffic.csv", may: STATS_SCOPE },
  "/sites/:site/traffic.ndjson": { path: "/sites/blog/traffic.ndjson", may: STATS_SCOPE },
  "/sites/:site/domains": { path: "/sites/blog/domains", may: SITE_SCOPE },
  "/sites/:site/people": { path: "/sites/blog/people", may: MEMBERS },
  "/sites/:site/logs": { path: "/sites/blog/logs", may: SITE_SCOPE },
  "/sites/:site/settings": { path: "/sites/blog/settings", may: ANY_SCOPE },
};

/** The way into a protected site: every account of the server, with its whole scope. */
export const ENTER = "/sites/:site/enter";
