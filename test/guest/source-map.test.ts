import { expect, test } from "bun:test";

import * as fc from "fast-check";

import { splitStatements } from "#guest/d1/statements.ts";
import { readSourceMap } from "#guest/log/source-map.ts";
import { hoistImports } from "#guest/program/hoist.ts";

test("a map of the bundler leads back to the author's lines", async () => {
  const source = `const one: number = 1;\n\nexport function two(): number {\n  return one + Math.random();\n}\n`;
  const built = await Bun.build({
    entrypoints: ["/src/a.ts"],
    files: { "/src/a.ts": source },
    sourcemap: "external",
    minify: true,
  });
  const [code = "", map = ""] = await Promise.all(built.outputs.map((output) => output.text()));
  const find = readSourceMap(map);
  const lines = code.split("\n");
  const line = lines.findIndex((text) => text.includes("Math.random"));
  const column = (lines[line] ?? "").indexOf("Math.random") + 1;
  const place = find?.({ line: line + 1, column });
  expect(place?.source).toEndWith("src/a.ts");
  expect(place?.line).toBe(4);
  expect(find?.({ line: 10_000, column: 1 })).toBeUndefined();
});

test("whatever a map holds, reading it ends and places are sane", () => {
  const mappings = fc.string({
    unit: fc.constantFrom("A", "C", "D", "g", "h", "+", "/", "9", ",", ";"),
    maxLength: 300,
  });
  const anything = fc.oneof(
    fc.json(),
    fc.string(),
    fc
      .record({
        version: fc.constant(3),
        sources: fc.array(fc.oneof(fc.string(), fc.anything()), { maxLength: 3 }),
        mappings,
      })
      .map((map) => JSON.stringify(map)),
  );
  fc.assert(
    fc.property(anything, fc.nat(20), fc.nat(400), (text, line, column) => {
      const place = readSourceMap(text)?.({ line, column });
      if (!place) return;
      expect(place.line).toBeGreaterThan(0);
      expect(place.column).toBeGreaterThan(0);
      expect(place.source).not.toMatch(/[\u0000-\u001f]/);
    }),
  );
});

test("imports are taken out in place, wherever they stand", () => {
  const code = `import { a as b } from "node:fs"; let x = "import y from 'z'";\n/* import q from "q" */ const r = /import s from "t"/;\nawait import("u"); import.meta.url;\nimport {\n  c,\n} from "node:path" with { type: "x" };\nimport "node:os";\nx = \`\${b}\`;`;
  for (const language of ["js", "ts"] as const) {
    const { body, imports } = hoistImports(code.replace(' with { type: "x" }', ""), language);
    expect(imports.match(/import/g)?.length).toBe(3);
    expect(body.split("\n").length).toBe(code.split("\n").length);
    expect(body).toContain(`let x = "import y from 'z'";`);
    expect(body).toContain(`await import("u"); import.meta.url;`);
    expect(body).not.toContain("node:path");
  }
  expect(hoistImports(code, "js").imports).toContain('with { type: "x" }');
});

test("splitting keeps every statement whole", () => {
  const statement = fc.constantFrom(
    "SELECT 1",
    "INSERT INTO t VALUES ('a;b', \"c;d\", [e;f], `g;h`)",
    "SELECT /* ; */ 2 -- ;\n",
    "CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; SELECT 2; END",
    "SELECT 'it''s; fine'",
    "BEGIN",
  );
  fc.assert(
    fc.property(fc.array(statement, { maxLength: 6 }), (statements) => {
      expect(splitStatements(statements.join(";\n"))).toEqual(
        statements.map((each) => each.trim()),
      );
    }),
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(splitStatements(text).every((each) => each !== "")).toBe(true);
    }),
  );
});
