import { expect, test } from "bun:test";

import * as fc from "fast-check";

import { parseDotenv } from "#pack/dotenv.ts";

test.each([
  ["A=1", { A: "1" }],
  ["A=1\r\nB = 2 \n", { A: "1", B: "2" }],
  ["\uFEFFexport A=1\nexport  B=2", { A: "1", B: "2" }],
  ["export=1", { export: "1" }],
  ["# all of it\n\n  # is comment\nA=1 # and this\nB=a#b\nC=#", { A: "1", B: "a#b", C: "" }],
  ["A=\nB=''\nC=\"\"", { A: "", B: "", C: "" }],
  [`A="one\\ntwo \\"quoted\\" \\$5 C:\\dir"`, { A: 'one\ntwo "quoted" $5 C:\\dir' }],
  [
    `A="-----BEGIN KEY-----\nabc\n-----END KEY-----\n" # a key\nB=2`,
    { A: "-----BEGIN KEY-----\nabc\n-----END KEY-----\n", B: "2" },
  ],
  ["A='as \\n it is' \nB=`with ' and \"`", { A: "as \\n it is", B: `with ' and "` }],
  ["A=1\nA=2", { A: "2" }],
  ["A=$B ${C}", { A: "$B ${C}" }],
  ["A=x=y&z", { A: "x=y&z" }],
  ["__proto__=1\nconstructor=2", JSON.parse('{"__proto__":"1","constructor":"2"}')],
  ["", {}],
])("%j", (text, expected) => {
  expect(Object.fromEntries(parseDotenv(text))).toEqual(expected);
});

test.each([
  ["A=1\nhush-hush", "line 2"],
  ["A=1\n1B=hush", "line 2"],
  ["A B=hush", "line 1"],
  ["\n\nA='hush\nx", "line 3"],
  ['A="hush', "line 1"],
  ["A='hush' hush", "line 1"],
  ["=hush", "line 1"],
])("%j is refused without a word of it", (text, line) => {
  expect(() => parseDotenv(text)).toThrow(line);
  expect(() => parseDotenv(text)).not.toThrow("hush");
});

const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,20}$/);
const quote = (value: string): string =>
  `"${value
    .replace(/[\\"$]/g, "\\$&")
    .replaceAll("\r", "\\r")
    .replaceAll("\n", "\\n")}"`;

test("whatever is quoted comes back", () => {
  fc.assert(
    fc.property(
      fc.dictionary(name, fc.string({ unit: "binary" })),
      fc.boolean(),
      (values, exported) => {
        const lines = Object.entries(values).map(
          ([key, value]) => `${exported ? "export " : ""}${key}=${quote(value)} # said`,
        );
        expect(Object.fromEntries(parseDotenv(lines.join("\n")))).toEqual({ ...values });
      },
    ),
  );
});

test("any text is read or refused, in linear time", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("A", "=", '"', "'", "#", "\n", " ", "\\", "`") }),
      (text) => {
        try {
          parseDotenv(text);
        } catch (error) {
          expect(error).toMatchObject({ code: "invalid_input" });
        }
      },
    ),
  );
  const long = 'A="\\\\"'.repeat(1) + " ".repeat(200_000) + "x";
  const started = performance.now();
  expect(() => parseDotenv(long)).toThrow("line 1");
  expect(parseDotenv(`A=${" #".repeat(100_000)}`).get("A")).toBe("");
  expect(performance.now() - started).toBeLessThan(5000);
});
