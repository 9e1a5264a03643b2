import { expect, test } from "bun:test";
import { mkdir, readdir, rename, rm, symlink, unlink } from "node:fs/promises";
import { join } from "node:path";

import { temporaryFolder } from "#test/support/land.ts";

import { nextOf, startDev, writeSite } from "./dev-world.ts";
import { run, startRun } from "./world.ts";

test("it tells where it serves, one line for each request, and ends with 0 at the first signal", async () => {
  await using dev = await startDev({ "index.html": "home", _redirects: "/old /new 301" });
  await (await dev.get("/")).text();
  await (await dev.get("/old?a=b")).text();
  await (await dev.get("/nothing")).text();
  const events = dev.follow();
  await nextOf(events);
  const ran = await dev.stop();
  expect(ran.exitCode).toBe(0);
  expect(ran.stdout).toBe(`land dev serves ${dev.dir} on http://127.0.0.1:${dev.port}\n`);
  const lines = ran.stderr.replaceAll(/^\d\d:\d\d:\d\d /gm, "").replaceAll(/[\d.]+ ms/g, "N ms");
  expect(lines).toMatchInlineSnapshot(`
    "GET  200 / 44 B N ms → index.html
    GET  301 /old?a=b 0 B N ms → /new?a=b
    GET  404 /nothing 669 B N ms
    "
  `);
  expect(await events.next().catch(() => ({ done: true }))).toMatchObject({ done: true });
});

test("with --json the address is a value, with --quiet requests are not told", async () => {
  await using dev = await startDev({ "index.html": "home" }, ["--json", "--quiet"]);
  await (await dev.get("/")).text();
  const ran = await dev.stop();
  const url = `http://127.0.0.1:${dev.port}`;
  expect(ran.json()).toEqual({ url, dir: dev.dir, program: null });
  // Nothing is written where there is no program.
  expect(await readdir(dev.dir)).toEqual(["index.html"]);
  expect(ran.stderr).toBe("");
});

test("--open shows it in the browser", async () => {
  await using dev = await startDev({ "index.html": "home" }, ["--open"]);
  expect((await dev.stop()).exitCode).toBe(0);
  expect(dev.running.opened).toEqual([`http://127.0.0.1:${dev.port}`]);
});

test("a page is told of files that are written, made, moved and removed, also in new folders", async () => {
  await using dev = await startDev({ "index.html": "1", "sub/a.txt": "a" });
  const events = dev.follow();
  let { id } = await nextOf(events);
  const told = async (act: () => Promise<unknown>): Promise<void> => {
    await act();
    const event = await nextOf(events);
    expect(event.from).toBe(id);
    expect(event.css).toBeUndefined();
    ({ id } = event);
  };
  const at = (path: string): string => join(dev.dir, path);
  await told(() => dev.write({ "index.html": "2" }));
  expect(await (await dev.get("/")).text()).toStartWith("2<script");
  await told(() => dev.write({ "new/deep/b.txt": "b" }));
  expect(await (await dev.get("/new/deep/b.txt")).text()).toBe("b");
  await told(() => dev.write({ "new/deep/c.txt": "c" }));
  await told(() => rename(at("new/deep/c.txt"), at("new/d.txt")));
  expect((await dev.get("/new/deep/c.txt")).status).toBe(404);
  expect(await (await dev.get("/new/d.txt")).text()).toBe("c");
  await told(() => rename(at("new"), at("other")));
  expect(await (await dev.get("/other/d.txt")).text()).toBe("c");
  await told(() => dev.write({ "other/d.txt": "changed" }));
  await told(() => rm(at("sub"), { recursive: true }));
  expect((await dev.get("/sub/a.txt")).status).toBe(404);
  await told(() => dev.write({ "sub/a.txt": "again" }));
  await told(() => dev.write({ "sub/a.txt": "and again" }));
  expect(await (await dev.get("/sub/a.txt")).text()).toBe("and again");
  await told(() => dev.write({ ".landignore": "sub" }));
  expect((await dev.get("/sub/a.txt")).status).toBe(404);
  await told(() => unlink(at("index.html")));
});

test("where nothing but stylesheets changed, a page is told which", async () => {
  await using dev = await startDev({ "index.html": "1", "a.css": "a{}", "css/b.css": "b{}" });
  const events = dev.follow();
  await nextOf(events);
  await dev.write({ "css/b.css": "b{color:red}" });
  expect((await nextOf(events)).css).toEqual(["/css/b.css"]);
  await unlink(join(dev.dir, "a.css"));
  expect((await nextOf(events)).css).toBeUndefined();
});

test("who comes back knows by the build whether something changed", async () => {
  await using dev = await startDev({ "index.html": "1" });
  const script = await (await dev.get("/.land/reload.js")).text();
  const first = await nextOf(dev.follow());
  expect(script).toContain(`"${first.id}"`);
  expect(await nextOf(dev.follow())).toEqual(first);
  const events = dev.follow();
  await nextOf(events);
  await dev.write({ "index.html": "2" });
  const { id } = await nextOf(events);
  expect(await nextOf(dev.follow())).toEqual({ id });
});

test("a folder that is built anew in another place is followed", async () => {
  await using dev = await startDev({ "index.html": "old" });
  const events = dev.follow();
  await nextOf(events);
  await writeSite(`${dev.dir}.next`, { "index.html": "new", "more/a.txt": "a" });
  await rename(dev.dir, `${dev.dir}.old`);
  await rename(`${dev.dir}.next`, dev.dir);
  await nextOf(events);
  expect(await (await dev.get("/")).text()).toStartWith("new");
  await dev.write({ "more/a.txt": "b" });
  await nextOf(events);
  expect(await (await dev.get("/more/a.txt")).text()).toBe("b");
});

test("a folder that is gone is told, and served again once it is back", async () => {
  await using dev = await startDev({ "index.html": "here" });
  const events = dev.follow();
  await nextOf(events);
  await rename(dev.dir, `${dev.dir}.away`);
  await dev.running.shows("warning: Cannot read");
  expect((await dev.get("/")).status).toBe(404);
  await rename(`${dev.dir}.away`, dev.dir);
  await writeSite(dev.dir, { "b.txt": "b" });
  await nextOf(events);
  expect(await (await dev.get("/")).text()).toStartWith("here");
});

test("a link is refused by name and the rest is served", async () => {
  await using dev = await startDev({ "index.html": "home", "real.txt": "real", "dir/a.txt": "a" });
  const at = (path: string): string => join(dev.dir, path);
  await symlink("/etc/passwd", at("passwd.txt"));
  await dev.running.shows('warning: Cannot deploy "passwd.txt": it is a symbolic link');
  expect((await dev.get("/passwd.txt")).status).toBe(404);
  expect((await dev.get("/")).status).toBe(200);
  // In the place of what was served before: also before it is noticed.
  await unlink(at("real.txt"));
  await symlink("/etc/passwd", at("real.txt"));
  expect((await dev.get("/real.txt")).status).toBe(404);
  await rename(at("dir"), `${dev.dir}.moved`);
  await symlink(`${dev.dir}.moved`, at("dir"));
  expect((await dev.get("/dir/a.txt")).status).toBe(404);
  await dev.running.shows('warning: Cannot deploy "dir": it is a symbolic link');
  const { stderr } = await dev.stop();
  expect(stderr.split('"passwd.txt"')).toHaveLength(2);
});

test("rules that are not obeyed are told when they change", async () => {
  await using dev = await startDev({ "index.html": "home", _redirects: "wrong" });
  await dev.running.shows("warning: _redirects line 1");
  await dev.write({ _headers: "/*\n  Set-Cookie: a=b; Domain=example.com" });
  await dev.running.shows('"Set-Cookie" must not name a Domain');
  await dev.write({ _redirects: "/a /b 301" });
  await dev.running.shows("changed: _redirects");
  expect((await dev.get("/a")).headers.get("location")).toBe("/b");
  expect((await dev.stop()).stderr.split("_redirects line 1")).toHaveLength(2);
});

test("a policy that forbids the script is told once", async () => {
  const policy = "/*\n  Content-Security-Policy: default-src 'self'; script-src 'nonce-abc'";
  await using dev = await startDev({ "index.html": "home", _headers: policy });
  for (const path of ["/", "/", "/nothing"]) await (await dev.get(path)).text();
  await dev.write({ _headers: "/*\n  Content-Security-Policy: default-src 'self'" });
  await dev.running.shows("changed: _headers");
  await (await dev.get("/")).text();
  expect((await dev.stop()).stderr.split("Content-Security-Policy")).toHaveLength(2);
});

test("names that could lead here from elsewhere are refused", async () => {
  await using dev = await startDev({ "index.html": "home" });
  const statusOf = async (host: string, path = "/"): Promise<number> =>
    (await dev.get(path, { host })).status;
  for (const host of [
    "localhost",
    `localhost:${dev.port}`,
    "LOCALHOST.",
    "blog.localhost",
    "127.0.0.1",
    "127.1.2.3:80",
    "[::1]:5265",
  ])
    expect([host, await statusOf(host)]).toEqual([host, 200]);
  for (const host of [
    "evil.example",
    `evil.example:${dev.port}`,
    "localhost.evil.example",
    "127.0.0.1.nip.io",
    "notlocalhost",
    "192.168.1.1",
    "0.0.0.0",
    "2130706433",
    "127.1",
    "localhost, evil.example",
    "user@localhost",
    "[::]",
  ])
    for (const path of ["/", "/.land/reload", "/.land/reload.js"])
      expect([host, await statusOf(host, path)]).toEqual([host, 400]);
});

test("a port that is taken is refused where it was named, else the next one is taken", async () => {
  await using root = await temporaryFolder("dev");
  await writeSite(root.path, { "index.html": "home" });
  const blocking = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  const options = { cwd: root.path, now: () => new Date() };
  const refused = await run(["dev", "--port", String(blocking.port)], options);
  await blocking.stop(true);
  expect(refused).toMatchObject({ exitCode: 1, stdout: "" });
  expect(refused.stderr).toContain("another program has it");
  expect(await run(["dev", "--port", "http"], options)).toMatchObject({ exitCode: 2 });

  const first = startRun(["dev"], options);
  await first.shows("land dev serves");
  const second = startRun(["dev"], options);
  await second.shows("is taken, so this is");
  await second.shows("land dev serves");
  for (const one of [first, second]) one.send("SIGTERM");
  expect((await first.done).exitCode).toBe(0);
  expect((await second.done).exitCode).toBe(0);
});

test("a folder that is none is refused", async () => {
  await using root = await temporaryFolder("dev");
  const ran = await run(["dev", "nothing"], { cwd: root.path });
  expect(ran).toMatchObject({ exitCode: 2, stdout: "" });
  expect(ran.stderr).toContain("there is no such folder");
});

test("an empty folder is served, and filled while it is", async () => {
  await using dev = await startDev({});
  expect((await dev.get("/")).status).toBe(404);
  const events = dev.follow();
  await nextOf(events);
  await mkdir(join(dev.dir, "a"));
  await dev.write({ "a/index.html": "a" });
  await nextOf(events);
  expect((await dev.get("/a/")).status).toBe(200);
});

test("2,000 files are served, and one of them that changes is noticed", async () => {
  const files = Object.fromEntries(
    Array.from({ length: 2000 }, (_, at) => [`f${at % 40}/${at}.html`, `page ${at}`]),
  );
  await using root = await temporaryFolder("dev");
  await writeSite(root.path, files);
  const running = startRun(["dev", "--port", "0"], { cwd: root.path, now: () => new Date() });
  await running.shows("land dev serves");
  await writeSite(root.path, { "f7/1007.html": "changed" });
  await running.shows("changed: f7/1007.html");
  const url = /http:\S+/.exec(running.stdout())?.[0] ?? "";
  expect(await (await fetch(`${url}/f7/1007`)).text()).toStartWith("changed");
  running.send("SIGINT");
  expect((await running.done).exitCode).toBe(0);
}, 60_000);
