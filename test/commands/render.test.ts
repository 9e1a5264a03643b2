import { expect, test } from "bun:test";

import { renderStep } from "#commands/progress.ts";
import { createStyle, renderTable } from "#commands/render.ts";

const terminal = (columns: number) =>
  createStyle({ isTTY: true, columns }, { NO_COLOR: "1" }, { color: true });
const piped = createStyle({}, {}, { color: true });

test("long lines are broken between words at a terminal, and left as they are in a pipe", () => {
  const text = "  indented words\nand more of them here";
  expect(terminal(12).wrap(text)).toBe("  indented\nwords\nand more of\nthem here");
  expect(piped.wrap(text)).toBe(text);
  expect(terminal(80).wrap("a-word-without-end".repeat(9))).toHaveLength(18 * 9);
});

test("prose flows anew into the terminal, paragraph by paragraph", () => {
  const text = "One sentence that\nis broken.\n\nAnother\n  list";
  expect(terminal(40).flow(text)).toBe("One sentence that is broken.\n\nAnother\n  list");
  expect(piped.flow(text)).toBe(text);
});

test("the last column of a table goes on below itself", () => {
  const rows = [
    ["--flag", "What it does, said in many more words than fit"],
    ["-x", "Short"],
  ];
  expect(renderTable(rows, [], 40)).toMatchInlineSnapshot(`
    "--flag  What it does, said in many more
            words than fit
    -x      Short"
  `);
  expect(renderTable(rows)).toContain("more words than fit");
  // Too narrow to help: a tower of words is worse than a long line.
  expect(renderTable(rows, [], 20).split("\n")).toHaveLength(2);
});

test("how many packages are resolved so far", () => {
  expect(renderStep({ verb: "Resolving", packages: 1200 }, 0)).toBe("Resolving 1,200 packages");
});
