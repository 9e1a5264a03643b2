import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import { LandError } from "#base/errors.ts";
import { parseRange } from "#base/ranges.ts";
import { parseManifest, requirePublishable } from "#pack/manifest.ts";

const parse = (fields: Record<string, unknown>, file: "land.json" | "package.json" = "land.json") =>
  parseManifest(file, JSON.stringify(fields));

test("reads every field of land.json", () => {
  const manifest = parse({
    name: "@ada/greet",
    version: "1.2.3",
    description: "Says hello",
    license: "MIT",
    repository: "https://example.com/greet",
    homepage: "https://example.com",
    keywords: ["hello"],
    categories: ["text"],
    authors: ["Ada <ada@example.com>"],
    main: "./index.ts",
    bin: { greet: "bin/greet.ts" },
    files: ["src", "!src/old"],
    dependencies: { left: "^1.2.0", member: "workspace:^" },
    overrides: { right: "2.x" },
    engines: { land: ">=0.1.0" },
    workspaces: ["packages/*"],
    installDir: "deps",
    site: { name: "blog", dir: "public", main: "main.ts", routes: ["/api/*"], crons: [] },
    own: { kept: true },
  });
  expect(manifest).toMatchObject({
    main: "index.ts",
    bin: { greet: "bin/greet.ts" },
    dependencies: { left: "^1.2.0", member: "workspace:^" },
    overrides: { right: "2.x" },
    installDir: "deps",
    site: { name: "blog", dir: "public", main: "main.ts", routes: ["/api/*"], crons: [] },
    raw: { own: { kept: true } },
  });
  expect(() => requirePublishable(manifest)).toThrow("dependencies.member");
});

test("a schedule that says more than its times and its zone is refused, since nobody would do it", () => {
  const withCrons = (crons: unknown): unknown => parse({ name: "ada", site: { crons } });
  expect(withCrons([{ cron: "0 4 * * *", timeZone: "Europe/Berlin" }, "@daily"])).toMatchObject({
    site: { crons: [{ cron: "0 4 * * *", timeZone: "Europe/Berlin" }, "@daily"] },
  });
  expect(() => withCrons([{ cron: "0 4 * * *", timezone: "Europe/Berlin" }])).toThrow(
    "site.crons[0].timezone",
  );
});

test("takes npm's ways of writing", () => {
  const manifest = parse(
    {
      name: "@ada/greet",
      version: "1.2.3",
      license: { type: "MIT", url: "x" },
      repository: { type: "git", url: "git+https://example.com/greet.git", directory: "a" },
      homepage: "not an address",
      keywords: "one, two three",
      author: { name: "Ada", email: "ada@example.com", url: "https://ada.example" },
      contributors: ["Bob", { name: "Ada", email: "ada@example.com", url: "https://ada.example" }],
      bin: "./cli.js",
      files: ["/lib", "./dist/"],
      workspaces: { packages: ["packages/*"] },
      engines: ["node >= 0.4"],
      dependencies: { left: "" },
    },
    "package.json",
  );
  expect(manifest).toMatchObject({
    license: "MIT",
    repository: "https://example.com/greet.git",
    keywords: ["one", "two", "three"],
    authors: ["Ada <ada@example.com> (https://ada.example)", "Bob"],
    bin: { greet: "cli.js" },
    files: ["lib", "dist"],
    workspaces: ["packages/*"],
    engines: {},
    dependencies: { left: "*" },
  });
  expect(manifest.homepage).toBeUndefined();
  expect(parse({ repository: "ada/greet" }).repository).toBe("https://github.com/ada/greet");
});

describe("refuses, naming the field:", () => {
  const refusals: [string, string, string][] = [
    ["a BOM", "\uFEFF{}", "begins with a byte order mark"],
    ["a comment", '{\n// no\n"name": "a"}', "holds a comment in line 2"],
    ["a trailing comma", '{"keywords": ["a",]}', 'a comma before "]" in line 1'],
    ["an open text", '{"name": "a}', "does not end"],
    ["nothing", " ", "is empty"],
    ["a list", "[]", "is not a JSON object"],
    ["a duplicate key", '{"bin":{"a":"x","a":"y"}}', '"a" stands twice in line 1'],
    ["an escaped duplicate", '{"name":"x","n\\u0061me":"y"}', '"name" stands twice'],
    ["__proto__", '{"dependencies":{"__proto__":"1"}}', '"__proto__" is not allowed'],
    ["depth", "[".repeat(1e5), "nested deeper than 64"],
    ["size", `"${"a".repeat(1_000_001)}"`, "larger than 1000000 bytes"],
    ["a name", '{"name":"Left"}', '"name" is not accepted'],
    ["a reserved name", '{"name":"land"}', '"name" is reserved'],
    ["a version", '{"version":"v1.0.0"}', "leave out the leading v"],
    [
      "a git spec",
      '{"dependencies":{"a":"git+ssh://x"}}',
      '"dependencies.a" is "git+ssh://x", which is a git',
    ],
    ["a file spec", '{"devDependencies":{"a":"file:../a"}}', "which is a path"],
    ["an alias", '{"optionalDependencies":{"a":"npm:b@1"}}', "which is an npm alias"],
    ["a tag", '{"dependencies":{"a":"latest"}}', "which is not a version range"],
    ["a dependency's name", '{"dependencies":{"../a":"1"}}', '"dependencies.../a"'],
    [
      "nested overrides",
      '{"overrides":{"a":{"b":"1"}}}',
      "for what one package asks for as `parent>name`",
    ],
    ["an absolute main", '{"main":"/etc/passwd"}', '"main" is absolute'],
    ["a drive", '{"main":"C:\\\\x"}', '"main" holds a backslash'],
    ["a parent bin", '{"bin":{"x":"a/../../b"}}', '"bin.x" holds a ".." segment'],
    ["a NUL", '{"files":["a\\u0000"]}', '"files[0]" holds a NUL'],
    ["an absolute pattern", '{"files":["/etc"]}', '"files[0]" is absolute'],
    ["a negated parent", '{"files":["!../a"]}', '"files[0]"'],
    ["a site outside", '{"site":{"dir":"../public"}}', '"site.dir"'],
    ["a site's program outside", '{"site":{"main":"../../x.ts"}}', '"site.main"'],
    ["the project as installDir", '{"installDir":"."}', '"installDir"'],
    [".git as installDir", '{"installDir":".git/x"}', '"installDir"'],
    ["land as a command", '{"bin":{"LAND":"a.ts"}}', "that command is land itself"],
    ["a path as a command", '{"bin":{"../x":"a.ts"}}', '"bin.../x" is not a command name'],
    ["dots as a command", '{"bin":{"..":"a.ts"}}', "is not a command name"],
    ["a bin without a name", '{"bin":"a.ts"}', "the package needs a name"],
    ["a script address", '{"homepage":"javascript:alert(1)"}', '"homepage" is not an http'],
  ];
  test.each(refusals)("%s", (_, text, message) => {
    expect(() => parseManifest("land.json", text)).toThrow(message);
  });
});

test("a package.json may want for development what land cannot solve, and says so", () => {
  const { devDependencies, overrides, scopedOverrides, unsolvable } = parseManifest(
    "package.json",
    JSON.stringify({
      devDependencies: { ok: "^1.0.0", alias: "npm:other@1", JSONStream: "1", tagged: "latest" },
      overrides: {
        ok: "2.x",
        "colors@>1.4.0": "1.4.0",
        deep: { er: "1", "deeper@2": "1", still: { more: "1" } },
        "@ada/a@>=1 <3>left": "1.0",
      },
    }),
  );
  expect({ ...devDependencies }).toEqual({ ok: parseRange("^1.0.0") });
  expect({ ...overrides }).toEqual({ ok: parseRange("2.x") });
  expect(unsolvable.map(({ field }) => field)).toEqual([
    "devDependencies.alias",
    "devDependencies.JSONStream",
    "devDependencies.tagged",
    "overrides.colors@>1.4.0",
    "overrides.deep.deeper@2",
    "overrides.deep.still",
  ]);
  expect(scopedOverrides.map(Object.values)).toEqual([
    ["deep", "er", "1"],
    ["@ada/a", ">=1 <3", "left", "1.0"],
  ]);
  expect(unsolvable[0]?.problem).toBe('is "npm:other@1", which is an npm alias');
  expect(() => parseManifest("package.json", '{"dependencies":{"a":"latest"}}')).toThrow();
});

test("only a name and a version make a manifest publishable", () => {
  expect(() => requirePublishable(parse({ version: "1.0.0" }))).toThrow('"name" is missing');
  expect(() => requirePublishable(parse({ name: "a" }))).toThrow('"version" is missing');
  expect(String(requirePublishable(parse({ name: "a", version: "1.0.0" })).name)).toBe("a");
});

test("any JSON is read or refused in good order, and no path leaves the project", () => {
  const key = fc.constantFrom(
    "name",
    "version",
    "main",
    "bin",
    "files",
    "site",
    "dependencies",
    "authors",
    "license",
    "engines",
    "keywords",
    "workspaces",
    "overrides",
    "repository",
    "x",
  );
  const hostile = fc.constantFrom(
    "../x",
    "/x",
    "a",
    "C:x",
    "a\\b",
    "1.0.0",
    "^1",
    "a/../b",
    "./a",
    "",
    "__proto__",
  );
  const leaf = fc.oneof(fc.jsonValue({ maxDepth: 3 }), hostile);
  const value = fc.oneof(leaf, fc.array(leaf), fc.dictionary(fc.oneof(key, hostile), leaf));
  fc.assert(
    fc.property(
      fc.dictionary(key, value),
      fc.constantFrom("land.json" as const, "package.json" as const),
      (fields, file) => {
        try {
          const { main, bin, files = [], site } = parse(fields, file);
          for (const path of [main, ...Object.values(bin), ...files, site?.dir, site?.main]) {
            const parts = (path ?? "").replace(/^!/, "").split("/");
            expect(parts).not.toContain("..");
            if (path !== undefined) expect(parts[0]).not.toBe("");
          }
        } catch (error) {
          if (!(error instanceof LandError)) throw error;
          expect(error.code).toBe("manifest_invalid");
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test("any text is read or refused in good order", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.string({ unit: fc.constantFrom(...'{}[]",:\\/ a1'.split("")) }),
      ),
      (text) => {
        try {
          parseManifest("land.json", text);
        } catch (error) {
          if (!(error instanceof LandError)) throw error;
          expect(error.code).toBe("manifest_invalid");
        }
      },
    ),
    { numRuns: 2000 },
  );
});
