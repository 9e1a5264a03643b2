import { describe, expect, test } from "bun:test";
import { chmod, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";

import { openWindow, windowPrograms } from "#commands/ui-window.ts";

import { fakeRegistry } from "../support/fake-registry.ts";
import { temporaryFolder } from "../support/land.ts";
import { writeFiles } from "../support/project.ts";
import { type Running, type Setting, startRun } from "./world.ts";

/** Starts it, and comes in by its address. */
async function open(home: string, setting: Setting = {}, flags: string[] = []) {
  const ui = startRun(["ui", ...flags], { home, cwd: home, ...setting });
  await ui.shows("land ui is at ");
  const url = /http:\S+/.exec(ui.stdout())?.[0] ?? "";
  const answer = await fetch(url);
  const cookie = answer.headers.get("set-cookie")?.split(";", 1)[0] ?? "";
  const place = new URL(/url=(\/[\w-]+\/)/.exec(await answer.text())?.[1] ?? "", url).href;
  const get = async (path: string): Promise<string> =>
    (await fetch(place + path, { headers: { cookie } })).text();
  const csrf = /name="csrf" value="([\w-]+)"/.exec(await get(""))?.[1] ?? "";
  const post = (path: string, fields: Record<string, string>) =>
    fetch(place + path, {
      method: "POST",
      redirect: "manual",
      headers: { cookie, origin: new URL(url).origin },
      body: new URLSearchParams({ csrf, ...fields }),
    });
  return { ui, url, get, post };
}

const isClosed = async (url: string): Promise<boolean> =>
  fetch(url).then(
    () => false,
    () => true,
  );

async function endBy(ui: Running, url: string): Promise<void> {
  ui.send("SIGINT");
  expect((await ui.done).exitCode).toBe(0);
  expect(await isClosed(url)).toBe(true);
}

describe("land ui", () => {
  test("prints its address, opens the browser, and ends with Ctrl-C", async () => {
    await using folder = await temporaryFolder("ui");
    const { ui, url } = await open(folder.path, { terminal: true }, ["--browser"]);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/enter\?secret=[\w-]{32}$/);
    expect(ui.opened).toEqual([url]);
    await endBy(ui, url);
  });

  test("opens nothing without a terminal, or with --no-open", async () => {
    await using folder = await temporaryFolder("ui");
    const piped = await open(folder.path);
    const told = await open(folder.path, { terminal: true }, ["--no-open"]);
    expect([...piped.ui.opened, ...told.ui.opened]).toEqual([]);
    await endBy(piped.ui, piped.url);
    await endBy(told.ui, told.url);
  });

  test("says so where there is no browser", async () => {
    await using folder = await temporaryFolder("ui");
    const { ui, url } = await open(folder.path, { terminal: true, browser: false });
    await ui.shows("No browser was found");
    await endBy(ui, url);
  });

  test("two at once work; one ends by Quit, the other stays", async () => {
    await using folder = await temporaryFolder("ui");
    const [one, other] = await Promise.all([open(folder.path), open(folder.path)]);
    expect(await (await one.post("quit", {})).text()).toContain("land ui has ended");
    expect((await one.ui.done).exitCode).toBe(0);
    expect(await other.get("store")).toContain("Store");
    await endBy(other.ui, other.url);
  });

  test.each(["-1", "65536", "x", "80.5"])("--port %s is none", async (port) => {
    const { exitCode, stderr } = await startRun(["ui", `--port=${port}`]).done;
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("it is no port"),
    });
  });

  test("a port that is taken, and two ways to open it, are named", async () => {
    await using folder = await temporaryFolder("ui");
    const { ui, url } = await open(folder.path);
    const taken = await startRun(["ui", "--port", new URL(url).port], { home: folder.path }).done;
    expect(taken.exitCode).not.toBe(0);
    expect(taken.stderr).toContain("something listens there");
    await endBy(ui, url);
    const both = await startRun(["ui", "--window", "--browser"], { home: folder.path }).done;
    expect(both).toMatchObject({ exitCode: 2 });
  });
});

describe("what is broken is told on the page", () => {
  test.each([
    ["state.json", "{ torn", ["", "store"]],
    ["state.json", `{ "version": 999 }`, ["", "store", "project?dir=%2F"]],
    ["config.json", "{ torn", ["settings", "accounts"]],
    ["credentials.json", "{ torn", ["accounts"]],
  ])("%s with %s", async (file, text, paths) => {
    await using folder = await temporaryFolder("ui");
    await writeFiles(folder.path, { [`.land/${file}`]: text });
    const { ui, url, get, post } = await open(folder.path);
    for (const path of paths) {
      const html = await get(path);
      expect([path, html]).toEqual([path, expect.stringContaining('role="alert"')]);
      expect(html).toContain(file);
    }
    expect((await post("act", { act: "prune" })).status).toBeOneOf([303, 500]);
    await endBy(ui, url);
  });

  test("a home that cannot be written", async () => {
    await using folder = await temporaryFolder("ui");
    // A file stands where the folder would have to be: this holds for root too.
    await Bun.write(join(folder.path, ".land"), "");
    const { ui, url, get } = await open(folder.path);
    expect(await get("store")).toContain('role="alert"');
    await endBy(ui, url);
  });
});

test("a project whose folder is gone is forgotten, another is not", async () => {
  await using folder = await temporaryFolder("ui");
  const kept = join(folder.path, "kept");
  await mkdir(kept);
  const lastUsedAt = "2026-01-02T03:04:05.000Z";
  const projects = [kept, join(folder.path, "gone"), join(folder.path, "far")].map((dir) => ({
    dir,
    lastUsedAt,
  }));
  const file = join(folder.path, ".land/state.json");
  await writeFiles(folder.path, {
    ".land/state.json": JSON.stringify({ version: 1, projects, globals: [] }),
  });
  const { ui, url, post } = await open(folder.path);
  for (const name of ["gone", "kept"])
    expect((await post("forget", { dir: join(folder.path, name) })).status).toBe(303);
  await endBy(ui, url);
  const left: { projects: { dir: string }[] } = await Bun.file(file).json();
  expect(left.projects.map(({ dir }) => dir).toSorted()).toEqual([join(folder.path, "far"), kept]);
});

test("an act that runs at Ctrl-C is cancelled: nothing is half done, and no lock is left", async () => {
  await using folder = await temporaryFolder("ui");
  await using registry = await fakeRegistry();
  await registry.add({ name: "left", version: "1.0.0" });
  const dir = join(folder.path, "app");
  const manifest = `{ "name": "app" }\n`;
  await writeFiles(folder.path, { "app/land.json": manifest });
  const about = { home: folder.path, env: { LAND_REGISTRY: registry.url } };
  const projects = [{ dir, lastUsedAt: "2026-01-02T03:04:05.000Z" }];
  await writeFiles(folder.path, {
    ".land/state.json": JSON.stringify({ version: 1, projects, globals: [] }),
  });
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  registry.fail("GET /api/v1/packages/left", async () => {
    resolve();
    return new Promise<Response>(() => {});
  });
  const { ui, url, post, get } = await open(folder.path, about);
  const begun = await post("act", { act: "add", dir, spec: "left" });
  const followed = get((begun.headers.get("location") ?? "").replace("task", "events"));
  await asked;
  await endBy(ui, url);
  expect(await followed).toContain("event: end");
  expect(await Bun.file(join(dir, "land.json")).text()).toBe(manifest);
  expect(await readdir(dir)).not.toContain("land.lock");
  registry.mend();
  const again = await startRun(["add", "left"], { ...about, cwd: dir }).done;
  expect(again.stderr).toContain("+ left 1.0.0");
}, 15_000);

describe.skipIf(process.platform !== "linux")("a window of its own", () => {
  /** A browser that notes how it was started and, as long as it is told, stays. */
  async function fakeBrowser(path: string, script: string) {
    await writeFiles(path, {
      "bin/chromium": `#!/bin/sh\nprintf '%s\\n' "$@" > ${path}/arguments\n${script}\n`,
    });
    await chmod(join(path, "bin/chromium"), 0o755);
    return {
      landHome: join(path, "home/.land"),
      env: { DISPLAY: ":0", PATH: `${path}/bin:/usr/bin:/bin` },
      now: () => new Date(),
    };
  }
  const USER = 1000;
  const URL = "http://127.0.0.1:1/enter?secret=x";

  test("has a profile of its own, and is over when it is closed", async () => {
    await using folder = await temporaryFolder("ui");
    const about = await fakeBrowser(
      folder.path,
      `until [ -e ${folder.path}/close ]; do sleep 0.05; done`,
    );
    const opened = await openWindow(about, URL, USER);
    const profile = join(about.landHome, "ui/window-1");
    const given = (await Bun.file(join(folder.path, "arguments")).text()).split("\n");
    expect(given).toContain(`--app=${URL}`);
    expect(given).toContain(`--user-data-dir=${profile}`);
    expect(given.join(" ")).not.toContain("no-sandbox");
    // A second one at the same time would be handed over to the first: it has another profile.
    const second = await openWindow(about, URL, USER);
    expect(await Bun.file(join(folder.path, "arguments")).text()).toContain("ui/window-2");
    await Bun.write(join(folder.path, "close"), "");
    await opened?.closed;
    await opened?.close();
    await second?.close();
    const left = await readdir(join(about.landHome, "ui"));
    expect(left.filter((name) => !name.endsWith(".lock"))).toEqual([]);
  }, 15_000);

  test("is closed by the end of land ui", async () => {
    await using folder = await temporaryFolder("ui");
    const opened = await openWindow(await fakeBrowser(folder.path, "exec sleep 60"), URL, USER);
    await opened?.close();
    expect(await opened?.closed).toBeDefined();
  });

  test("is not there for root, without a screen, without a browser, with one that fails", async () => {
    await using folder = await temporaryFolder("ui");
    const about = await fakeBrowser(folder.path, "exit 1");
    expect(await openWindow(about, URL, 0)).toBeUndefined();
    expect(await openWindow(about, URL, USER)).toBeUndefined();
    expect(
      await openWindow({ ...about, env: { PATH: about.env.PATH } }, URL, USER),
    ).toBeUndefined();
    const none = { ...about, env: { DISPLAY: ":0", PATH: folder.path } };
    expect(await openWindow(none, URL, USER)).toBeUndefined();
    await Bun.write(join(folder.path, "file"), "");
    const blocked = { ...about, landHome: join(folder.path, "file/.land") };
    expect(await openWindow(blocked, URL, USER)).toBeUndefined();
  });

  test("is looked for where each system has browsers, never in a relative folder", () => {
    expect(windowPrograms("linux", { DISPLAY: ":0", PATH: ".:bin:/usr/bin" })).toContain(
      "/usr/bin/chromium",
    );
    expect(windowPrograms("linux", { DISPLAY: ":0", PATH: ".:bin" })).toEqual([]);
    expect(windowPrograms("linux", { PATH: "/usr/bin" })).toEqual([]);
    expect(windowPrograms("darwin", {})[0]).toStartWith("/Applications/");
    expect(windowPrograms("win32", { "ProgramFiles(x86)": "C:/P" })).toContain(
      "C:/P/Microsoft/Edge/Application/msedge.exe",
    );
  });
});
