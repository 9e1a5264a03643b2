import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";

import { browserCommand } from "#commands/browser.ts";
import { type TemporaryFolder, temporaryFolder } from "#test/support/land.ts";
import { writeFiles } from "#test/support/project.ts";
import { type TestServer, testServer } from "#test/support/server.ts";

import { run, type Setting, startRun } from "./world.ts";

/** The commands around sites, against a real server in this process. */
let root: TemporaryFolder;
let server: TestServer;
let token = "";
let url = "";

beforeAll(async () => {
  root = await temporaryFolder("sites");
  server = await testServer();
  token = await server.register("ada");
  await server.register("grace");
  await writeFiles(root.path, {
    "home/.keep": "",
    "blog/index.html": "1",
    "blog/land.json": '{ "site": { "name": "blog" } }',
  });
  const ran = await land(["deploy", "--json"], { cwd: join(root.path, "blog") });
  ({ url } = ran.json() as { url: string });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await root[Symbol.asyncDispose]();
});

const settingOf = (more: Partial<Setting>): Setting => ({
  cwd: join(root.path, "home"),
  home: join(root.path, "home"),
  now: () => new Date(),
  ...more,
  env: { LAND_REGISTRY: server.url, LAND_TOKEN: token, ...more.env },
});
const land = (argv: string[], more: Partial<Setting> = {}) => run(argv, settingOf(more));
const blog = ["--site", "blog"];

test("sites list and show", async () => {
  const { stdout } = await land(["sites", "list"]);
  expect(stdout.replace(/\d{4}-\d\d-\d\d \d\d:\d\d/, "TIME").replace(/:\d+\n/, ":PORT\n")).toBe(
    "blog  owner  deployed TIME    http://blog.localhost:PORT\n",
  );
  expect((await land(["sites", "list", "--json"])).json()).toMatchObject({
    items: [{ name: "blog" }],
  });
  const shown = await land(["sites", "show"], { cwd: join(root.path, "blog") });
  expect(shown.stdout).toContain(`address    ${url}`);
  expect(shown.stdout).toContain("seen by    everybody");
});

test("sites create and delete: the name is typed once more at a terminal, and named elsewhere", async () => {
  expect((await land(["sites", "create", "gone"])).stdout).toContain("http://gone.localhost");
  expect((await land(["sites", "create", "gone", "--json"])).json()).toMatchObject({
    code: "site_taken",
  });
  expect(await land(["sites", "delete", "gone"])).toMatchObject({ exitCode: 2 });
  const inBlog = { cwd: join(root.path, "blog") };
  expect(await land(["sites", "delete", "--yes"], inBlog)).toMatchObject({ exitCode: 2 });
  const running = startRun(["sites", "delete", "gone"], settingOf({ terminal: true }));
  await running.shows("Type the name of the site to remove it for good (gone)");
  running.type("gon\r");
  await running.shows("press Ctrl-C to keep the site");
  running.type("e\r");
  expect(await running.done).toMatchObject({ exitCode: 0 });
  await land(["sites", "create", "gone"]);
  expect((await land(["sites", "delete", "gone", "--yes", "--json"])).json()).toEqual({
    site: "gone",
  });
  expect((await land(["sites", "show", "gone", "--json"])).json()).toMatchObject({
    code: "site_not_found",
  });
});

test("protect, unprotect and maintenance", async () => {
  const locked = await land(["sites", "protect", "blog", "--password-stdin", "--json"], {
    input: "sesame open\n",
  });
  expect(locked.json()).toEqual({ site: "blog", protection: "password", maintenance: false });
  expect((await land(["sites", "show", "blog"])).stdout).toContain("who knows the password");
  expect((await land(["sites", "protect", "blog", "--members"])).stderr).toBe(
    "blog is for those with an account\n",
  );
  expect((await land(["sites", "protect", ...blog, "--off", "--json"])).json()).toMatchObject({
    protection: "none",
  });
  expect((await land(["sites", "unprotect", "blog"])).exitCode).toBe(0);
  expect((await land(["sites", "maintenance", "blog", "--json"])).json()).toMatchObject({
    maintenance: true,
  });
  expect((await land(["sites", "maintenance", "blog", "--off"])).exitCode).toBe(0);
  expect(await land(["sites", "protect", "blog", "--off", "--members"])).toMatchObject({
    exitCode: 2,
  });
  const two = await land(["sites", "maintenance", "on", ...blog]);
  expect(two).toMatchObject({ exitCode: 2 });
  expect(two.stderr).toContain('Cannot tell which site is meant: "on" or "blog"');
  const silent = await land(["sites", "protect", "blog"]);
  expect(silent).toMatchObject({ exitCode: 2 });
  expect(silent.stderr).toContain("--password-stdin");
});

test("key-programs says whether deploy keys may change the program", async () => {
  const on = await land(["sites", "key-programs", "blog", "--json"]);
  expect(on.json()).toEqual({ site: "blog", keyPrograms: true });
  expect((await land(["sites", "key-programs", "blog"])).stderr).toBe(
    "Deploy keys of blog may change the program, too\n",
  );
  const off = await land(["sites", "key-programs", ...blog, "--off", "--json"]);
  expect(off.json()).toEqual({ site: "blog", keyPrograms: false });
});

test("members come, change and go", async () => {
  const added = await land(["sites", "members", "add", "grace", ...blog, "--json"]);
  expect(added.json()).toEqual({ site: "blog", user: "grace", role: "developer" });
  await land(["sites", "members", "add", "grace", "--role", "viewer", ...blog]);
  const { stdout } = await land(["sites", "members", ...blog]);
  expect(stdout).toMatch(/^ada +owner +since .*\ngrace +viewer +since /);
  expect((await land(["sites", "members", "remove", "grace", ...blog])).exitCode).toBe(0);
  expect(
    (await land(["sites", "members", "remove", "ada", ...blog, "--json"])).json(),
  ).toMatchObject({ code: "last_site_owner" });
  expect(await land(["sites", "members", "add", "grace", "--role", "god", ...blog])).toMatchObject({
    exitCode: 2,
  });
});

test("keys of the site are listed with their last use", async () => {
  const made = await land(["token", "create", "--name", "ci", "--scope", "deploy:blog"]);
  expect(made.stderr).toMatch(
    /^Made the token "ci" that ends \d{4}-\d\d-\d\d; its secret is shown/,
  );
  const typo = await land(["token", "create", "--name", "t", "--scope", "deploy:blgo"]);
  expect(typo.stderr).toContain('warning: You have no site "blgo" yet');
  const { stdout } = await land(["sites", "keys", "blog"]);
  expect(stdout).toMatch(/ci +deploy:blog +never used/);
});

test("a domain is claimed with the record to set, listed, and removed", async () => {
  const added = await land(["domains", "add", "www.example.org", ...blog]);
  expect(added.exitCode).toBe(0);
  const { items } = (await land(["domains", "list", ...blog, "--json"])).json() as {
    items: { record: string; value: string; state: string }[];
  };
  const [domain] = items;
  expect(domain?.state).toBe("pending");
  expect(added.stdout).toBe(`Set these two records where the DNS of www.example.org is kept:

  type   TXT
  name   ${domain?.record}
  value  ${domain?.value}

  type   CNAME
  name   www.example.org
  value  blog.localhost

Where www.example.org can have no CNAME, give it A and AAAA records with the addresses of blog.localhost.
Then run \`land domains verify www.example.org --site blog\`; a new record may take some minutes to be seen
`);
  expect(await land(["domains", "remove", "www.example.org", ...blog])).toMatchObject({
    exitCode: 2,
  });
  const gone = await land(["domains", "remove", "www.example.org", ...blog, "--yes", "--json"]);
  expect(gone.json()).toEqual({ site: "blog", host: "www.example.org" });
  expect((await land(["domains", "list", ...blog])).stderr).toBe("blog has no domain of its own\n");
});

test("deploys are shown and removed, but not the live one", async () => {
  const draft = await land(["deploy", "--draft", "--json"], { cwd: join(root.path, "blog") });
  const { deploy } = draft.json() as { deploy: string };
  expect((await land(["deploys", "show", deploy, ...blog])).stdout).toMatch(
    /^deploy +\w+ of blog\n/,
  );
  expect(await land(["deploys", "delete", deploy, ...blog])).toMatchObject({ exitCode: 2 });
  expect((await land(["deploys", "delete", deploy, ...blog, "--yes", "--json"])).json()).toEqual({
    site: "blog",
    deploy,
  });
  const live = (await land(["sites", "show", "blog", "--json"])).json() as { live: { id: string } };
  const refused = await land(["deploys", "delete", live.live.id, ...blog, "--yes", "--json"]);
  expect(refused.json()).toMatchObject({ code: "deploy_live" });
});

describe("traffic", () => {
  test("as a table, as the API's answer and as a file", async () => {
    const nobody = await land(["traffic", "blog", "--days", "2"]);
    expect(nobody).toMatchObject({
      exitCode: 0,
      stdout: "",
      stderr: "Nobody has visited blog in these 2 days\n",
    });
    const { port } = new URL(server.url);
    await fetch(`http://127.0.0.1:${port}/`, {
      headers: { host: `blog.localhost:${port}`, "user-agent": "Mozilla/5.0 Firefox/130.0" },
    });
    // Counts are written a moment after the answer.
    let text = nobody;
    while (text.stdout === "") text = await land(["traffic", ...blog, "--days", "2"]);
    expect(text.exitCode).toBe(0);
    expect(text.stdout).toMatch(/^day +visitors +pages +requests +sent\n\d{4}-/);
    expect(text.stdout).toContain("1 visitor, 1 page, 1 request, ");
    const narrow = settingOf({ terminal: true, columns: 60, env: { NO_COLOR: "1" } });
    const { stdout } = await startRun(["traffic", "blog"], narrow).done;
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(60);
    for (const line of text.stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    const json = (await land(["traffic", ...blog, "--json"])).json() as { days: unknown[] };
    expect(json.days).toHaveLength(7);
    const file = await land(["traffic", ...blog, "--format", "json"]);
    expect(JSON.parse(file.stdout)).toMatchObject({ total: { requests: expect.any(Number) } });
    expect((await land(["traffic", ...blog, "--format", "csv"])).stdout).toMatch(/^\w+,/);
    expect((await land(["traffic", ...blog, "--format", "ndjson"])).exitCode).toBe(0);
    expect(await land(["traffic", ...blog, "--days", "0"])).toMatchObject({ exitCode: 2 });
  });
});

test("logs are shown oldest first, and followed until Ctrl-C", async () => {
  const page = (await land(["logs", ...blog, "--json"])).json() as { items: { id: number }[] };
  const ids = page.items.map(({ id }) => id);
  expect(ids).toEqual(ids.toSorted((a, b) => a - b));
  const running = startRun(["logs", ...blog, "-f", "--level", "info"], settingOf({}));
  const deploy = async (): Promise<string> => {
    const ran = await land(["deploy", "--json"], { cwd: join(root.path, "blog") });
    return (ran.json() as { deploy: string }).deploy;
  };
  for (const id of [await deploy(), await deploy()]) await running.shows(`ada deployed ${id}`);
  running.send("SIGINT");
  expect(await running.done).toMatchObject({ exitCode: 130, stderr: "" });
  expect(running.stdout()).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d info  deploy  ada /m);
  const lines = startRun(["logs", ...blog, "-f", "--jsonl"], settingOf({}));
  await lines.shows("deployed");
  lines.send("SIGTERM");
  await lines.done;
  for (const line of lines.stdout().trimEnd().split("\n"))
    expect(JSON.parse(line)).toMatchObject({ id: expect.any(Number) });
});

describe("open", () => {
  test("prints the address, and shows it where there is a terminal", async () => {
    expect((await land(["open", ...blog])).stdout).toBe(`${url}\n`);
    const running = startRun(["open", ...blog], settingOf({ terminal: true }));
    expect(await running.done).toMatchObject({ exitCode: 0, stdout: `${url}\n` });
    expect(running.opened).toEqual([url]);
    const none = startRun(["open", ...blog], settingOf({ terminal: true, browser: false }));
    expect((await none.done).stderr).toBe("No browser was found; this is the address:\n");
  });

  test("an address that is none of a web page is not opened", async () => {
    using evil = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch() {
        const site = await fetch(`${server.url}/api/v1/sites/blog`, {
          headers: { authorization: `Bearer ${token}` },
        });
        return Response.json({ ...((await site.json()) as object), url: "file:///etc/passwd" });
      },
    });
    const setting = settingOf({ terminal: true, env: { LAND_REGISTRY: evil.url.origin } });
    const running = startRun(["open", ...blog], setting);
    expect(await running.done).toMatchObject({ exitCode: 13 });
    expect(running.opened).toEqual([]);
  });

  test.each([
    ["darwin", {}, "open"],
    ["win32", {}, "rundll32"],
    ["linux", { DISPLAY: ":0" }, "xdg-open"],
    ["linux", {}, undefined],
  ] as const)("on %s with %j the program is %s", (platform, env, program) => {
    expect(browserCommand("http://x/?a&b", platform, env)?.[0]).toBe(program);
  });
});

test("words that are a command and begin others", async () => {
  expect((await land(["deploys", ...blog])).exitCode).toBe(0);
  expect((await land(["--json", "deploys", ...blog])).exitCode).toBe(0);
  expect((await land(["deploys", "lits"])).stderr).toContain("there is no such command");
  expect((await land(["token"])).stderr).toContain("needs one more word");
  for (const words of [["sites"], ["sites", "list"]])
    expect((await land(words)).stdout).toContain("blog.localhost");
  for (const words of [["domains"], ["domains", "list"], ["deploys", "list"], ["sites", "members"]])
    expect(await land([...words, ...blog])).toMatchObject({ exitCode: 0 });
  expect((await land(["domain", "add", "x.org"])).stderr).toContain("Did you mean `land domains`?");
  expect((await land(["promote", "x"])).stderr).toContain("Did you mean `land release`?");
  expect((await run(["help", "deploys"])).stdout).toContain("Usage: land deploys [flags]");
  expect((await run(["help", "deploys"])).stdout).toContain("  deploys diff ");
  expect((await run(["help", "sites", "members"])).stdout).toContain("  sites members add ");
  expect((await run(["help", "sites"])).stdout).toContain("Usage: land sites <command>");
});
