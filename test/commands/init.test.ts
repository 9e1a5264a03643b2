import { expect, test } from "bun:test";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { temporaryFolder } from "#test/support/land.ts";
import { typeProblems } from "#test/support/types.ts";

import { run, startRun } from "./world.ts";

const textOf = (dir: string, file: string): Promise<string> => Bun.file(join(dir, file)).text();

test("an empty folder becomes a package without a question", async () => {
  await using root = await temporaryFolder("init");
  const cwd = join(root.path, "My Greet!");
  await mkdir(cwd);
  const ran = await run(["init", "--yes", "--json"], { cwd });
  expect(ran.exitCode).toBe(0);
  expect(ran.json()).toEqual({ path: join(cwd, "land.json"), name: "my-greet", version: "0.1.0" });
  expect(await textOf(cwd, "land.json")).toMatchInlineSnapshot(`
    "{
      "name": "my-greet",
      "version": "0.1.0",
      "description": "",
      "license": "MIT",
      "main": "index.ts"
    }
    "
  `);
  expect(await textOf(cwd, "index.ts")).toContain("export function greet");
});

test("flags are taken as they are, package.json and a first file where there is one", async () => {
  await using root = await temporaryFolder("init");
  await Bun.write(
    join(root.path, "package.json"),
    '{"name":"old","version":"2.0.0","license":"ISC"}',
  );
  const flags = ["--name", "@ada/new", "--description", "New"];
  expect((await run(["init", "--yes", ...flags], { cwd: root.path })).exitCode).toBe(0);
  expect(JSON.parse(await textOf(root.path, "land.json"))).toEqual({
    name: "@ada/new",
    version: "2.0.0",
    description: "New",
    license: "ISC",
  });
  expect(await Bun.file(join(root.path, "index.ts")).exists()).toBe(false);
});

test("a manifest that is there is never changed", async () => {
  await using root = await temporaryFolder("init");
  await Bun.write(join(root.path, "land.json"), "{}");
  expect(await run(["init", "--yes"], { cwd: root.path })).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("is there already"),
  });
  expect(await textOf(root.path, "land.json")).toBe("{}");
});

test("a name that is none is refused before anything is written", async () => {
  await using root = await temporaryFolder("init");
  const ran = await run(["init", "--yes", "--name", "No Good"], { cwd: root.path });
  expect(ran).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('Cannot use "No Good"'),
  });
  expect(await Bun.file(join(root.path, "land.json")).exists()).toBe(false);
});

test("at a terminal it asks for what the flags do not say", async () => {
  await using root = await temporaryFolder("init");
  const running = startRun(["init", "--name", "greet", "--license", "MIT"], {
    cwd: root.path,
    terminal: true,
  });
  await running.shows("First version");
  running.type("-rc.1\r");
  await running.shows("What it does");
  running.type("Says hello\r");
  const ran = await running.done;
  expect(ran.exitCode).toBe(0);
  expect(ran.stderr).toContain("Next: `land add <package>`");
  expect(JSON.parse(await textOf(root.path, "land.json"))).toEqual({
    name: "greet",
    version: "0.1.0-rc.1",
    description: "Says hello",
    license: "MIT",
    main: "index.ts",
  });
});

test("--template site makes a first site that can be deployed, and changes nothing that is there", async () => {
  await using root = await temporaryFolder("init");
  const dir = join(root.path, "My Blog");
  await Bun.write(join(dir, "style.css"), "mine");
  const ran = await run(["init", "--template", "site", "--yes", "--json"], { cwd: dir });
  expect(ran.json()).toEqual({
    path: join(dir, "land.json"),
    name: "my-blog",
    made: ["index.html", "404.html", ".landignore", "land.json"],
  });
  expect(JSON.parse(await textOf(dir, "land.json"))).toEqual({
    site: { name: "my-blog", dir: "." },
  });
  expect(await textOf(dir, "style.css")).toBe("mine");
  const dry = await run(["deploy", "--dry-run", "--json"], { cwd: dir, home: root.path });
  expect(dry.json()).toMatchObject({
    site: "my-blog",
    files: [{ path: "404.html" }, { path: "index.html" }, { path: "style.css" }],
  });
  expect(await run(["init", "--template", "site", "--name", "x"], { cwd: dir })).toMatchObject({
    exitCode: 2,
  });
});

test("--template app makes a page and a program that are deployed together, and whose types are right", async () => {
  await using root = await temporaryFolder("init");
  const dir = join(root.path, "guests");
  await Bun.write(join(dir, "tsconfig.json"), '{ "extends": "./mine.json" }');
  const ran = await run(["init", "--template", "app", "--yes", "--json"], { cwd: dir });
  expect(ran.json()).toEqual({
    path: join(dir, "land.json"),
    name: "guests",
    made: [
      "main.ts",
      "public/index.html",
      "public/app.js",
      "public/style.css",
      "public/.landignore",
      "land-env.d.ts",
      "land.json",
    ],
  });
  expect(await textOf(dir, "tsconfig.json")).toBe('{ "extends": "./mine.json" }');
  const dry = await run(["deploy", "--dry-run", "--json"], { cwd: dir, home: root.path });
  expect(dry.json()).toMatchObject({
    site: "guests",
    files: [{ path: "app.js" }, { path: "index.html" }, { path: "style.css" }],
    program: { name: "main.ts", inputs: ["main.ts"] },
  });
  // No site may have this name.
  const fresh = join(root.path, "app");
  await mkdir(fresh);
  const made = await run(["init", "--template", "app", "--yes", "--json"], { cwd: fresh });
  expect(made.json()).toMatchObject({ name: "my-app" });
  expect(await typeProblems(fresh)).toBe("");
}, 60_000);

test("a site's name is checked before anything is written, and asked for at a terminal", async () => {
  await using root = await temporaryFolder("init");
  const flags = ["init", "--template", "site"];
  const bad = await run([...flags, "--name", "No Good"], { cwd: root.path });
  expect(bad.stderr).toContain('Cannot use "No Good" as a site name');
  expect(await run(flags, { cwd: root.path })).toMatchObject({ exitCode: 2 });
  expect(await Bun.file(join(root.path, "index.html")).exists()).toBe(false);
  const blog = join(root.path, "blog");
  await mkdir(blog);
  const running = startRun(flags, { cwd: blog, terminal: true });
  await running.shows("Name of the site");
  // The folder's name is proposed.
  running.type("-2\r");
  expect((await running.done).exitCode).toBe(0);
  expect(await textOf(blog, "index.html")).toContain("<h1>blog-2</h1>");
});
