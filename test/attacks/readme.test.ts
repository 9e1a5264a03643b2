import { expect, test } from "bun:test";

import { toText } from "#html/html.ts";
import { renderReadme } from "#web/markdown.ts";

const fill = (text: string): string => text.repeat(Math.floor((512 * 1024) / text.length));
const table = (columns: number, row: string, before = ""): string =>
  `${before}|${"a|".repeat(columns)}\n${before}|${"-|".repeat(columns)}\n${fill(`${before}${row}\n`)}`;

test.each([
  ["a table as wide as it gets, its rows one character", table(120, "|")],
  ["the same in a quotation", table(120, "|", "> ")],
  ["the same in a list", `1. ${table(120, "   |")}`],
  ["many small tables", fill(`${table(4, "").slice(0, 40)}\n\n`)],
  ["quotations in quotations", fill(">")],
  ["lists in lists", fill("1. ")],
  ["open elements", fill("<div>")],
  ["headings of one name", fill("# a\n")],
  ["one long link often used", `[a]: http://x/${"x".repeat(5000)}\n\n${fill("[a]\n")}`],
  ["emphasis that never ends", fill("*a **b _")],
  ["brackets", fill("[a](")],
])("a README cannot hold the server up: %s", (_, text) => {
  const startedMs = performance.now();
  const html = toText(renderReadme(text).html);
  expect(performance.now() - startedMs).toBeLessThan(5000);
  expect(html.length).toBeLessThan(8 * 1024 * 1024);
});

test("tables that people write are tables", () => {
  const rows = Array.from({ length: 2000 }, (_, at) => `| ${at} | b | c |`).join("\n");
  const html = toText(renderReadme(`# T\n\n| a | b | c |\n|:--|:-:|--:|\n${rows}\n\ntext`).html);
  expect(html.match(/<tr>/g)).toHaveLength(2001);
});
