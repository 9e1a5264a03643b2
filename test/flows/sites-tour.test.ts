import { afterAll, beforeAll, expect, test } from "bun:test";
import { cp } from "node:fs/promises";
import { join } from "node:path";

import { gzipped, rawTar } from "#fixtures/tar.ts";
import { rawZip } from "#fixtures/zip.ts";

import { landBinary } from "../support/binary.ts";
import { type DnsServer, startDns } from "../support/dns.ts";
import {
  cleanEnvironment,
  land,
  type LandServer,
  startLand,
  type TemporaryFolder,
  temporaryFolder,
} from "../support/land.ts";
import { askSite } from "../support/site.ts";

/** docs/hosting.md as it is typed, through the binary. */
let folder: TemporaryFolder;
let server: LandServer;
let dns: DnsServer;
const at = (...path: string[]): string => join(folder.path, ...path);

beforeAll(async () => {
  folder = await temporaryFolder("tour");
  for (const home of ["ada", "grace", "ci"]) await Bun.write(at(home, ".keep"), "");
  await cp(join(import.meta.dir, "../../examples/static-site"), at("field-notes"), {
    recursive: true,
  });
  dns = await startDns();
  server = await startLand({
    data: at("data"),
    home: at("ada"),
    env: { LAND_DNS_SERVERS: dns.address },
  });
}, 60_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await dns[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

type Person = { home?: string; token?: string; input?: string };
/** A line of the guide. */
const type = (line: string, { home = "ada", token, input }: Person = {}) =>
  land(line.split(" "), {
    cwd: at("field-notes"),
    home: at(home),
    env: { LAND_REGISTRY: server.url, ...(token !== undefined && { LAND_TOKEN: token }) },
    ...(input !== undefined && { input }),
  });
const typeWell = async (line: string, person?: Person) => {
  const done = await type(line, person);
  expect([line, done.exitCode, done.stderr]).toEqual([line, 0, expect.anything()]);
  return done;
};
/** What follows of a line with `--json`. */
const read = async <T = Record<string, unknown>>(line: string, person?: Person): Promise<T> =>
  (await typeWell(`${line} --json`, person)).json<T>();
const codeOf = async (line: string, person?: Person): Promise<unknown> => {
  const done = await type(`${line} --json`, person);
  expect(done.exitCode).not.toBe(0);
  return done.json()["code"];
};
const ask = (path: string, init?: Parameters<typeof askSite>[3]) =>
  askSite(server, "field-notes", path, init);
const port = (): string => new URL(server.url).port;

test("register, then deploy: the last line is the address", async () => {
  for (const name of ["ada", "grace"])
    await typeWell(`register --username ${name} --email ${name}@example.com --password-stdin`, {
      home: name,
      input: "correct horse battery\n",
    });
  const done = await typeWell("deploy --site field-notes");
  expect(done.stdout.trimEnd().split("\n").at(-1)).toBe(`http://field-notes.localhost:${port()}`);
  const home = await ask("/");
  expect([home.status, home.headers.get("x-frame-options")]).toEqual([200, "DENY"]);
  expect(await home.text()).toBe(await Bun.file(at("field-notes/index.html")).text());
  const moved = await ask("/notes/first-snow");
  expect([moved.status, moved.headers.get("location")]).toEqual([302, "/blog/first-snow"]);
  const kept = await ask("/assets/style-4f2a9c1e.css");
  expect(kept.headers.get("cache-control")).toContain("immutable");
  const lost = await ask("/nowhere");
  expect([lost.status, await lost.text()]).toEqual([
    404,
    await Bun.file(at("field-notes/404.html")).text(),
  ]);
  for (const path of ["/_redirects", "/_headers", "/land.json"])
    expect([path, (await ask(path)).status]).toEqual([path, 404]);
});

test("the site is named by land.json, a dry run sends nothing", async () => {
  const plan = await read<{ site: string; files: { path: string }[] }>("deploy --dry-run");
  expect(plan.site).toBe("field-notes");
  expect(plan.files.map(({ path }) => path)).not.toContain("land.json");
  expect(await read("deploy")).toMatchObject({ uploaded: 0 });
});

test("a draft stands beside the site, the history tells who, a rollback is at once", async () => {
  const old = await (await ask("/about")).text();
  await Bun.write(at("field-notes/about.html"), "<h1>New words</h1>\n");
  const draft = await read<{ deploy: string; deployUrl: string }>(
    "deploy --draft --message new-words",
  );
  expect(draft.deployUrl).toBe(`http://${draft.deploy}--field-notes.localhost:${port()}`);
  expect(await (await ask("/about")).text()).toBe(old);
  const own = await askSite(server, `${draft.deploy}--field-notes`, "/about");
  expect(await own.text()).toBe("<h1>New words</h1>\n");
  expect(own.headers.get("x-robots-tag")).toContain("noindex");
  expect((await typeWell("deploys --site field-notes")).stdout).toContain("new-words");
  await typeWell(`rollback --site field-notes --deploy ${draft.deploy}`);
  expect(await (await ask("/about")).text()).toBe("<h1>New words</h1>\n");
  await typeWell("rollback --site field-notes");
  expect(await (await ask("/about")).text()).toBe(old);
});

test("a zip and a tar.gz go by curl", async () => {
  const { token } = await read<{ token: string }>("token create --name curl --scope account");
  const page = "<h1>Packed</h1>\n";
  await Bun.write(at("site.zip"), rawZip([{ name: "top/index.html", content: page }]));
  await Bun.write(
    at("site.tar.gz"),
    gzipped(rawTar([{ name: "index.html", content: `${page}${page}` }])),
  );
  for (const [name, body] of [
    ["site.zip", page],
    ["site.tar.gz", page + page],
  ] as const) {
    const answer = await sendArchive(name, token);
    expect(answer).toMatchObject({ site: "packed", live: true, files: 1 });
    expect(await (await askSite(server, "packed", "/")).text()).toBe(body);
  }
});

/** As the guide does it; by fetch where there is no curl. */
async function sendArchive(name: string, token: string): Promise<unknown> {
  const url = `${server.url}/api/deploy`;
  if (Bun.which("curl") === null) {
    const body = new FormData();
    body.set("site_name", "packed");
    body.set("file", Bun.file(at(name)), name);
    const headers = { authorization: `Bearer ${token}` };
    return (await fetch(url, { method: "POST", headers, body })).json();
  }
  const form = ["-F", "site_name=packed", "-F", `file=@${at(name)}`];
  const bearer = ["-H", `Authorization: Bearer ${token}`];
  return JSON.parse(await curl(...form, ...bearer, url));
}

async function curl(...args: string[]): Promise<string> {
  const child = Bun.spawn(["curl", "--silent", "--show-error", "--fail-with-body", ...args], {
    env: cleanEnvironment(at("ada")),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const text = await child.stdout.text();
  expect([await child.exited, text]).toEqual([0, expect.anything()]);
  return text;
}

test("a deploy key deploys its site and can do nothing else", async () => {
  const { token } = await read<{ token: string }>(
    "token create --name ci --scope deploy:field-notes",
  );
  const ci = { home: "ci", token };
  expect(await read("deploy --site field-notes", ci)).toMatchObject({ site: "field-notes" });
  const { items } = await read<{ items: { key: string | null }[] }>("deploys --site field-notes");
  expect(items[0]?.key).toBe("ci");
  expect(await codeOf("deploy --site packed", ci)).toBeOneOf(["site_not_found", "scope_missing"]);
  expect(await codeOf("deploy --site brand-new", ci)).toBeOneOf([
    "site_not_found",
    "scope_missing",
  ]);
  for (const line of [
    "traffic --site field-notes",
    "logs --site field-notes",
    "domains add a.example.org --site field-notes",
    "sites members add grace --role owner --site field-notes",
    "sites maintenance field-notes",
    "sites delete field-notes --yes",
    "token create --name more --scope account",
  ])
    expect([line, await codeOf(line, ci)]).toEqual([line, "scope_missing"]);
});

test("a member may what the role says", async () => {
  expect(await codeOf("deploys --site field-notes", { home: "grace" })).toBe("site_not_found");
  await typeWell("sites members add grace --role developer --site field-notes");
  await typeWell("deploy --site field-notes --message by-grace", { home: "grace" });
  expect(await codeOf("sites delete field-notes --yes", { home: "grace" })).toBe("site_role");
  await typeWell("sites members add grace --role viewer --site field-notes");
  expect(await codeOf("deploy --site field-notes", { home: "grace" })).toBe("site_role");
  await typeWell("deploys --site field-notes", { home: "grace" });
});

test("a password keeps visitors out, programs send it as Basic", async () => {
  await typeWell("sites protect --site field-notes --password-stdin", { input: "open sesame\n" });
  const shut = await ask("/", { headers: { accept: "text/html" } });
  expect(shut.status).toBe(401);
  expect(await shut.text()).toContain("protected by a password");
  const basic = `Basic ${btoa("anybody:open sesame")}`;
  expect((await ask("/", { headers: { authorization: basic } })).status).toBe(200);
  if (Bun.which("curl") !== null) {
    const host = ["-H", `Host: field-notes.localhost:${port()}`];
    const page = await curl("-u", "anybody:open sesame", ...host, `${server.url}/`);
    expect(page).toBe(await Bun.file(at("field-notes/index.html")).text());
  }
  await typeWell("sites protect --site field-notes --off");
  expect((await ask("/")).status).toBe(200);
  await typeWell("sites maintenance --site field-notes");
  expect((await ask("/")).status).toBe(503);
  await typeWell("sites maintenance --site field-notes --off");
  expect((await ask("/")).status).toBe(200);
});

test("a domain is proven by its record, and then answered", async () => {
  const host = "www.field-notes.org";
  const shown = await typeWell(`domains add ${host} --site field-notes`);
  const value = /^\s*value\s+(\S+)$/m.exec(shown.stdout)?.[1] ?? "";
  expect(shown.stdout).toContain(`_land.${host}`);
  expect((await askSite(server, `${host}:${port()}`, "/")).status).toBe(404);
  const early = await type(`domains verify ${host} --site field-notes`);
  expect(early.exitCode).toBe(1);
  dns.txt.set(`_land.${host}`, [[value]]);
  expect(await read(`domains verify ${host} --site field-notes`)).toMatchObject({
    state: "verified",
  });
  const page = await askSite(server, `${host}:${port()}`, "/");
  expect([page.status, await page.text()]).toEqual([
    200,
    await Bun.file(at("field-notes/index.html")).text(),
  ]);
  await typeWell(`domains remove ${host} --site field-notes --yes`);
  expect((await askSite(server, `${host}:${port()}`, "/")).status).toBe(404);
});

test("traffic and logs tell who came", async () => {
  type Traffic = { total: { requests: number; pages: number; visitors: number } };
  // Counts are written some seconds after the answers; asking again is what a person does.
  const traffic = await until(
    () => read<Traffic>("traffic --site field-notes"),
    ({ total }) => total.requests > 0,
  );
  expect(traffic.total).toMatchObject({ visitors: 1 });
  expect((await typeWell("traffic --site field-notes --format csv")).stdout).toContain(",");
  const logs = (await typeWell("logs --site field-notes --limit 100")).stdout;
  expect(logs).toContain("/about");
  const child = Bun.spawn([await landBinary(), "logs", "--site", "field-notes", "-f"], {
    cwd: at("ada"),
    env: cleanEnvironment(at("ada"), { LAND_REGISTRY: server.url }),
    stdio: ["ignore", "pipe", "ignore"],
  });
  let seen = "";
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    seen += decoder.decode(chunk, { stream: true });
    if (seen.includes("/followed-now")) break;
    // The first lines say that it follows.
    await ask("/followed-now");
  }
  expect(seen).toContain("/followed-now");
  child.kill("SIGINT");
  expect(await child.exited).toBeOneOf([0, 130]);
});

/** Asks until the answer is good. */
async function until<T>(work: () => Promise<T>, good: (value: T) => boolean): Promise<T> {
  for (let tries = 0; tries < 200; tries += 1) {
    const value = await work();
    if (good(value)) return value;
  }
  throw new Error("it did not come");
}

test("a removed site is gone, and its name is held for its owner", async () => {
  expect(await type("sites delete field-notes")).toMatchObject({ exitCode: 2 });
  await typeWell("sites delete field-notes --yes");
  expect((await ask("/")).status).toBe(404);
  expect(await codeOf("sites create field-notes", { home: "grace" })).toBe("site_name_held");
  await typeWell("sites create field-notes");
});
