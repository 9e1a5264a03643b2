import { expect, test } from "bun:test";

import { writeFiles } from "#test/support/project.ts";

import { openSiteWorld } from "./site-world.ts";
import { run } from "./world.ts";

/** `land deploy` of sites with programs against a real server in this process. */
const { server, at, settingAt } = openSiteWorld("deploy-program");
const land = (argv: string[], folder: string) => run(argv, settingAt(folder));

const MAIN = `import { hello } from "./src/hello";
export default { fetch: () => new Response(hello()) };
`;
const HELLO = 'export const hello = () => "hello";\n';

async function readProgram(site: string, deploy: string): Promise<unknown> {
  const { env } = settingAt("home");
  const answer = await fetch(`${server().url}/api/v1/sites/${site}/deploys/${deploy}`, {
    headers: { authorization: `Bearer ${env?.["LAND_TOKEN"]}` },
  });
  return ((await answer.json()) as { program: unknown }).program;
}

test("main.ts goes out in one file with its map, once", async () => {
  await writeFiles(at("plain"), { "main.ts": MAIN, "src/hello.ts": HELLO, "index.html": "1" });
  const ran = await land(["deploy", "--site", "plain", "--json"], "plain");
  // index.html, src/hello.ts (a file of the folder), the program and its map.
  expect(ran.json()).toMatchObject({ site: "plain", files: 4, uploaded: 4 });
  const { deploy } = ran.json() as { deploy: string };
  expect(await readProgram("plain", deploy)).toMatchObject({
    name: "main.ts",
    routes: [],
    crons: [],
  });
  const again = await land(["deploy", "--site", "plain"], "plain");
  expect(again.stderr).toContain("Nothing had to be sent: the server has all of it (4 files)");
  expect(again.stderr).toMatch(/Deployed plain with main\.ts \(\d+ B\), as /);
  await writeFiles(at("plain"), { "index.html": "2" });
  expect((await land(["deploy", "--site", "plain", "--json"], "plain")).json()).toMatchObject({
    uploaded: 1,
    uploadedBytes: 1,
  });
});

test("land.json names a program beside the folder of the site, and what it answers", async () => {
  const site = {
    name: "beside",
    dir: "public",
    main: "server/app.ts",
    routes: ["/api/*"],
    crons: ["0 4 * * *"],
    database: true,
  };
  await writeFiles(at("beside"), {
    "land.json": JSON.stringify({ site }),
    "server/app.ts": 'import { hello } from "../lib/hello.ts";\nexport default { fetch: hello };\n',
    "lib/hello.ts": HELLO,
    "public/index.html": "1",
    "public/main.ts": "a file like any other",
  });
  const ran = await land(["deploy", "--json"], "beside");
  expect(ran.json()).toMatchObject({ files: 4 });
  const { deploy } = ran.json() as { deploy: string };
  expect(await readProgram("beside", deploy)).toMatchObject({
    name: "server/app.ts",
    routes: ["/api/*"],
    crons: [{ cron: "0 4 * * *", timeZone: "UTC" }],
  });
});

test("routes and schedules without a program are told of", async () => {
  await writeFiles(at("none"), {
    "land.json": JSON.stringify({
      site: { dir: "public", routes: ["/api/*"], crons: ["0 4 * * *"] },
    }),
    "main.ts": MAIN,
    "public/index.html": "1",
  });
  const ran = await land(["deploy", "--site", "none"], "none");
  expect(ran.exitCode).toBe(0);
  expect(ran.stderr).toContain(
    "land.json has site.routes, site.crons, and the site has no program: name it as site.main",
  );
});

test("a program alone is a site", async () => {
  await writeFiles(at("alone"), { "main.js": "res.send('hello');\n" });
  const ran = await land(["deploy", "--site", "alone", "--json"], "alone");
  expect(ran).toMatchObject({ exitCode: 0 });
  expect(ran.json()).toMatchObject({ files: 2, uploaded: 2 });
});

test("--dry-run tells the program and what it is made of", async () => {
  await writeFiles(at("dry"), { "main.ts": MAIN, "src/hello.ts": HELLO, "index.html": "1" });
  const ran = await land(["deploy", "-n", "--json"], "dry");
  expect(ran.json()).toMatchObject({
    files: [{ path: "index.html" }, { path: "src/hello.ts" }],
    program: { name: "main.ts", inputs: ["main.ts", "src/hello.ts"] },
  });
  expect((await land(["deploy", "-n"], "dry")).stdout).toMatch(/ {2}main\.ts, bundled +\d+ B\n/);
});

test("what cannot be bundled is told before anything is sent", async () => {
  await writeFiles(at("broken"), {
    "main.ts": '\nimport a from "../x";\nexport default a;\n',
    "index.html": "1",
  });
  await writeFiles(at("x.ts"), {});
  const ran = await land(["deploy", "--site", "broken"], "broken");
  expect(ran.exitCode).not.toBe(0);
  expect(ran.stderr).toContain('main.ts:2:15: "../x" is not there');
  await writeFiles(at("gone"), { "land.json": '{"site": {"main": "gone.ts"}}', "index.html": "1" });
  const gone = await land(["deploy", "--site", "gone"], "gone");
  expect(gone.stderr).toContain('Cannot deploy the program "gone.ts" that land.json names');
});

test("a program that does not start is warned of where it is live, with the line of its author", async () => {
  await writeFiles(at("broken"), {
    "main.ts":
      'import { read } from "./src/read.ts";\n\nconst TEXT: string = read();\nexport default { fetch: () => new Response(TEXT) };\n',
    "src/read.ts":
      'export function read(): string {\n  throw new RangeError("nothing to read");\n}\n',
    "index.html": "1",
  });
  const draft = await land(["deploy", "--site", "broken", "--draft"], "broken");
  expect([draft.exitCode, draft.stderr.includes("does not start")]).toEqual([0, false]);
  const { exitCode, stderr } = await land(["deploy", "--site", "broken"], "broken");
  expect([exitCode, stderr]).toEqual([
    0,
    expect.stringMatching(
      /warning: The program is live, and does not start: RangeError: nothing to read at read \(src\/read\.ts:2:\d+\)\n/,
    ),
  ]);
  await writeFiles(at("broken"), { "src/read.ts": 'export const read = () => "a text";\n' });
  const mended = await land(["deploy", "--site", "broken"], "broken");
  expect([mended.exitCode, mended.stderr.includes("does not start")]).toEqual([0, false]);
});
