import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

import { Glob } from "bun";

import { catalogue } from "#base/catalogue.ts";

import manifest from "../package.json";

const EXPORT =
  /^export (?:declare )?(?:(default)|(?:abstract |async )*(?:function\*?|class|const|let|type|interface) ([\w$]+))/;

/** Names of the exports that have no doc comment right above them; further signatures of one function need none. */
function undocumented(code: string): string[] {
  const lines = code.split("\n");
  const missing: string[] = [];
  let signature = "";
  for (const [index, line] of lines.entries()) {
    const found = EXPORT.exec(line);
    if (found === null) continue;
    const name = found[1] ?? found[2] ?? "";
    const documented = lines[index - 1]?.trimEnd().endsWith("*/") === true;
    if (!documented && name !== signature) missing.push(name);
    signature = name;
  }
  return missing;
}

/** Words after `@throws` that claim to be a code of the catalogue and are none. A bug in the caller is a `TypeError`. */
function unknownCodes(code: string): string[] {
  return [...code.matchAll(/@throws\s+([^\n@]*)/g)].flatMap(([, text = ""]) =>
    text.split(", ").flatMap((part, index) => {
      const word = /^[`{]?([a-z]+(?:_[a-z]+)*|TypeError\b|RangeError\b)/.exec(part)?.[1] ?? part;
      if (word.endsWith("Error")) return [];
      const claims = index === 0 || word.includes("_");
      return claims && !Object.hasOwn(catalogue, word) ? [word] : [];
    }),
  );
}

const sources = new Glob("{src,web,commands,plugins}/**/*.{ts,tsx}");

test("every export has a doc comment, and every @throws names a code of the catalogue", async () => {
  const bad: string[] = [];
  for await (const file of sources.scan(".")) {
    const code = await Bun.file(file).text();
    bad.push(...undocumented(code).map((name) => `${file}: ${name} has no doc comment`));
    bad.push(...unknownCodes(code).map((word) => `${file}: @throws ${word} is in no catalogue`));
  }
  expect(bad).toEqual([]);
});

test("docs/dependencies.md has one line for each dependency", async () => {
  const text = await Bun.file("docs/dependencies.md").text();
  const listed = [...text.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = ""]) => name);
  const wanted = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
  expect(new Set(listed)).toEqual(new Set(wanted));
  expect(listed).toHaveLength(wanted.length);
});

test("docs/packages.md tells of each code the exit code that it has", async () => {
  const text = await Bun.file("docs/packages.md").text();
  const wrong: string[] = [];
  const rows = text.matchAll(/^\| (`[a-z_`, ]+`) \| ([\d, ]+) \|/gm);
  for (const [, codes = "", exits = ""] of rows) {
    const told = exits.split(", ").map(Number);
    for (const [at, code] of codes.replaceAll("`", "").split(", ").entries()) {
      const entry = Object.entries(catalogue).find(([name]) => name === code)?.[1];
      const usual = entry?.status === 401 || entry?.status === 403 ? 15 : 1;
      const own = entry && "exit" in entry ? entry.exit : usual;
      if (!entry || own !== (told[at] ?? told[0])) wrong.push(code);
    }
  }
  expect(wrong).toEqual([]);
  expect(text).toContain("| `no_solution` | 10 |");
});

test("links between pages lead to a page and a heading", async () => {
  const pages = ["README.md", ...new Glob("docs/*.md").scanSync(".")];
  const broken: string[] = [];
  for (const page of pages) {
    const text = await Bun.file(page).text();
    for (const [, to = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(?:[a-z]+:|\/)/.test(to)) continue;
      const [path = "", anchor] = to.split("#");
      const target = path === "" ? page : join(dirname(page), path);
      if (!existsSync(target)) broken.push(`${page}: ${to}`);
      else if (anchor !== undefined && !(await anchorsOf(target)).includes(anchor))
        broken.push(`${page}: ${to}`);
    }
  }
  expect(broken).toEqual([]);
});

/** The ids that headings of a page get, as GitHub and others make them. */
async function anchorsOf(page: string): Promise<string[]> {
  const text = (await Bun.file(page).text()).replaceAll(/^```[^]*?^```/gm, "");
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

describe("the tests above see what they should", () => {
  test.each([
    ["/** One. */\nexport const one = 1;", []],
    ["export const one = 1;", ["one"]],
    ["/** One. */\n\nexport async function two() {}", ["two"]],
    ["export default command({});", ["default"]],
    ["/** F. */\nexport function f(): 1;\nexport function f(x: 2): 3;", []],
    ["export type { Later } from './x.ts';", []],
  ])("exports of %j", (code, missing) => {
    expect(undocumented(code)).toEqual(missing);
  });

  test.each([
    ["@throws version_exists", []],
    ["@throws no_such_thing", ["no_such_thing"]],
    ["@throws file_failed past the limit, no_such_thing", ["no_such_thing"]],
    ["@throws config_invalid for a bad key, naming the source", []],
    ["@throws TypeError for a name that is none", []],
    ["@throws Error when it breaks", ["Error when it breaks"]],
  ])("codes of %j", (code, unknown) => {
    expect(unknownCodes(code)).toEqual(unknown);
  });
});
