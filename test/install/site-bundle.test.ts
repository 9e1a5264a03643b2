import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { LandError } from "#base/errors.ts";
import { bundleSiteProgram, type SiteBundle } from "#install/site-bundle.ts";
import { writeFiles } from "#test/support/project.ts";

type Files = Record<string, string>;

/** Bundles `main.ts` of these files, or tells why not. */
async function bundle(
  files: Files,
  prepare: (root: string) => Promise<void> = async () => {},
): Promise<SiteBundle> {
  const folder = await mkdtemp(join(tmpdir(), "land-bundle-"));
  const root = join(folder, "app");
  try {
    await writeFiles(root, files);
    await prepare(root);
    return await bundleSiteProgram({ main: join(root, "main.ts"), root });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function problemOf(...args: Parameters<typeof bundle>): Promise<string> {
  try {
    await bundle(...args);
    return "none";
  } catch (error) {
    if (error instanceof LandError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

const HELLO = 'export const hello = (): string => "hello from a file";\n';

test("files, packages, data and texts become one file", async () => {
  const { code, map, inputs, warnings } = await bundle({
    "land.json": "{}",
    "main.ts": `import { hello } from "./src/hello";
import left from "@ada/left";
import data from "./data.json";
import page from "./page.html" with { type: "text" };
import { readFileSync } from "node:fs";
import { Database } from "bun:sqlite";
const late = await import("./src/late.js");
export default { fetch: () => new Response(hello() + left() + data.a + page + late.late + readFileSync + Database + process.env.SECRET) };
`,
    "src/hello.ts": HELLO,
    "src/late.ts": "export const late: number = 1;",
    "data.json": '{"a": "data"}',
    "page.html": "<p>page</p>",
    "land_modules/@ada/left/package.json": '{"main": "./index.js"}',
    "land_modules/@ada/left/index.js": 'export { default } from "right";',
    "land_modules/right/package.json": '{"exports": "./r.cjs"}',
    "land_modules/right/r.cjs":
      "let extra; try { extra = require('optional') } catch {} module.exports = () => 'right' + extra;",
  });
  expect(inputs).toEqual([
    "data.json",
    "land_modules/@ada/left/index.js",
    "land_modules/right/r.cjs",
    "main.ts",
    "page.html",
    "src/hello.ts",
    "src/late.ts",
  ]);
  for (const text of [
    "hello from a file",
    "right",
    "<p>page</p>",
    "process.env.SECRET",
    "bun:sqlite",
  ])
    expect(code).toContain(text);
  expect(code).not.toContain("land-bundle-");
  expect(map).not.toContain("land-bundle-");
  expect(map).toContain('"src/hello.ts"');
  expect(warnings).toEqual([]);
});

test("the same files give the same bytes, wherever they lie", async () => {
  const files = { "main.ts": 'import { hello } from "./a";\nhello();\n', "a.ts": HELLO };
  const [one, two] = [await bundle(files), await bundle(files)];
  expect(one).toEqual(two);
});

test("a script stays one, and what nobody calls is told", async () => {
  const script = await bundle({ "main.ts": "const n = db.add('n', 1);\nres.send(String(n));\n" });
  expect(script.code).not.toContain("export");
  const { warnings } = await bundle({
    "main.ts": "export const fetch = () => 1;\nexport const extra = 2;\nexport default {};\n",
  });
  expect(warnings).toEqual(['main.ts exports "extra", which is no handler: nobody calls it']);
});

describe("nothing of the project runs", () => {
  let marks = "";
  beforeAll(async () => {
    marks = await mkdtemp(join(tmpdir(), "land-marks-"));
  });
  afterAll(() => rm(marks, { recursive: true, force: true }));
  const evil = (name: string) =>
    `import { writeFileSync } from "node:fs";\nwriteFileSync(${JSON.stringify(join(marks, name))}, "");\nexport function run() { writeFileSync(${JSON.stringify(join(marks, name))}, ""); return 1; }\n`;

  const SPELLINGS = [
    'with { type: "macro" }',
    "with { 'type': 'macro' }",
    'assert { type: "macro" }',
    'with { type: "\\x6dacro" }',
  ];
  test.each(SPELLINGS)("a macro, %s", async (spelling) => {
    const use = `import { run } from "./evil.ts" ${spelling};\nexport default run();\n`;
    expect(await problemOf({ "main.ts": use, "evil.ts": evil("own") })).toMatch(
      /^program_broken: .*main\.ts:2:\d+: .*macros are not run/s,
    );
    for (const tree of ["land_modules", "node_modules", "vendor"]) {
      const path = tree === "vendor" ? "./vendor/dep/index.ts" : "dep";
      expect(
        await problemOf({
          "main.ts": `import x from ${JSON.stringify(path)};\nexport default x;\n`,
          [`${tree}/dep/package.json`]: '{"main": "index.ts"}',
          [`${tree}/dep/index.ts`]: use,
          [`${tree}/dep/evil.ts`]: evil("dependency"),
        }),
      ).toContain("macros are not run");
    }
    expect(existsSync(join(marks, "own"))).toBe(false);
    expect(existsSync(join(marks, "dependency"))).toBe(false);
  });

  test("a macro of a module of Node", async () => {
    const file = JSON.stringify(join(marks, "node"));
    const source = `import { writeFileSync } from "node:fs" with { type: "macro" };\nexport default writeFileSync(${file}, "");\n`;
    expect(await problemOf({ "main.ts": source })).not.toBe("none");
    expect(existsSync(join(marks, "node"))).toBe(false);
  });

  test("configuration: bunfig.toml, tsconfig.json, package.json, .env", async () => {
    const { code } = await bundle({
      "main.ts": "export default { fetch: () => new Response(process.env.SECRET) };\n",
      ".env": "SECRET=leaked\n",
      "bunfig.toml": 'preload = ["./evil.ts"]\n[define]\n"process.env.SECRET" = "\'defined\'"\n',
      "tsconfig.json":
        '{"extends": "./evil.ts", "compilerOptions": {"plugins": [{"transform": "./evil.ts"}], "paths": {"x": ["./evil.ts"]}}}',
      "package.json":
        '{"bun": {"macros": {"main.ts": {"x": "./evil.ts"}}}, "scripts": {"prepare": "bun evil.ts"}}',
      "evil.ts": evil("config"),
    });
    expect(code).not.toMatch(/leaked|defined/);
    expect(existsSync(join(marks, "config"))).toBe(false);
  });
});

const REFUSED: [name: string, source: string, problem: RegExp][] = [
  [
    "above",
    'import a from "../secret.ts";',
    /main\.ts:1:15: "\.\.\/secret\.ts" leads out of the project/,
  ],
  [
    "absolute",
    'import a from "/etc/hostname" with { type: "text" };',
    /"\/etc\/hostname" leads out/,
  ],
  ["by URL", 'import a from "file:///etc/hostname";', /leads out/],
  ["from the net", 'import a from "https://example.com/a.js";', /is an address/],
  ["by a link", '\nimport a from "./link.ts";', /main\.ts:2:15: "\.\/link\.ts" leads out/],
  ["by a linked folder", 'const a = await import("./folder/secret.ts");', /leads out/],
  ["by a linked package", 'import a from "linked";', /leads out/],
  ["an addon", 'const a = require("./addon.node");', /compiled addon/],
  ["a picture", 'import a from "./a.png" with { type: "file" };', /no source and no text/],
  ["not there", 'import a from "./nope";', /main\.ts:1:15: "\.\/nope" is not there/],
  ["not installed", 'import a from "nope";', /"nope" is not installed/],
];

test.each(REFUSED)("refused: %s", async (_, source, problem) => {
  const files = {
    "main.ts": `${source}\nexport default a;\n`,
    "addon.node": "x",
    "a.png": "x",
    "../secret.ts": "export default 1;",
    "../linked/package.json": '{"main": "index.js"}',
    "../linked/index.js": "export default 1;",
  };
  const told = await problemOf(files, async (root) => {
    await symlink("../secret.ts", join(root, "link.ts"));
    await symlink("..", join(root, "folder"));
    await writeFiles(root, { "node_modules/.keep": "" });
    await symlink(join(dirname(root), "linked"), join(root, "node_modules/linked"));
  });
  expect(told).toStartWith("program_broken: ");
  expect(told).toMatch(problem);
});

test("what does not parse is told with its place", async () => {
  expect(await problemOf({ "main.ts": 'import "./a";\n', "a.ts": "const x =\n" })).toMatch(
    /a\.ts:\d+:\d+: /,
  );
});

test("a program that is too large, or that is a link out, is refused", async () => {
  const folder = await mkdtemp(join(tmpdir(), "land-bundle-"));
  try {
    await writeFiles(folder, {
      "app/main.ts": "export default 'xxxxxxxxxxxxxxxxxxxx';",
      "out.ts": "1",
    });
    const root = join(folder, "app");
    const tell = (main: string) =>
      bundleSiteProgram({ main: join(root, main), root, limitBytes: 10 }).catch(String);
    expect(await tell("main.ts")).toContain("larger than 10 bytes");
    await symlink("../out.ts", join(root, "link.ts"));
    expect(await tell("link.ts")).toContain("leads out of the project");
    expect(await tell("../out.ts")).toContain("leads out of the project");
    expect(await tell("nope.ts")).toContain("There is no such file");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
