import { expect, test } from "bun:test";

import * as fc from "fast-check";
import { Window } from "happy-dom";

import { toText } from "#html/html.ts";
import { cpuMsOf } from "#test/support/cpu.ts";
import { renderReadme } from "#web/markdown.ts";
import { sanitize } from "#web/sanitize.ts";

import { VECTORS } from "./xss-vectors.ts";

const BASE = "https://github.com/ada/greet/blob/HEAD/";
const ELEMENTS = new Set(
  "A ABBR B BDI BDO BLOCKQUOTE BR CENTER CITE CODE DD DEL DETAILS DFN DIV DL DT EM H1 H2 H3 H4 H5 H6 HR I INPUT INS KBD LI MARK OL P PRE Q S SAMP SMALL SPAN STRIKE STRONG SUB SUMMARY SUP TABLE TBODY TD TFOOT TH THEAD TR TT U UL VAR WBR".split(
    " ",
  ),
);
const ATTRIBUTES = new Set(
  "align checked class colspan dir disabled href id lang open rel rowspan start title type".split(
    " ",
  ),
);
const { document } = new Window();

/** Parses a rendered README inside a page and names everything in it that should not be there. */
function problemsOf(html: string): string[] {
  const host = document.createElement("div");
  host.innerHTML = `<div id="readme">${html}</div><p id="after"></p>`;
  const problems: string[] = [];
  if (host.children.length !== 2 || host.children[1]?.id !== "after")
    problems.push("left its place");
  for (const element of host.querySelectorAll("#readme *")) {
    if (!ELEMENTS.has(element.tagName)) problems.push(`<${element.tagName}>`);
    for (const { name, value: maybe } of element.attributes) {
      const value = maybe ?? "";
      if (!ATTRIBUTES.has(name)) problems.push(`${element.tagName} ${name}`);
      if (name === "href" && !/^(?:https?:\/\/|mailto:|#user-content-)/.test(value))
        problems.push(`href ${value}`);
      if (name === "id" && !value.startsWith("user-content-")) problems.push(`id ${value}`);
      if (name === "rel" && value !== "nofollow noopener noreferrer ugc")
        problems.push(`rel ${value}`);
      if (name === "type" && value !== "checkbox") problems.push(`type ${value}`);
    }
    if (element.tagName === "INPUT" && !element.hasAttribute("disabled"))
      problems.push("a live input");
  }
  return problems;
}
const render = (text: string): string => toText(renderReadme(text, BASE).html);
const open = { link: (href: string) => href, picture: (src: string) => src };

test.each(VECTORS)("vector %#: %s", (vector) => {
  expect(problemsOf(render(vector))).toEqual([]);
  expect(problemsOf(render(`text ${vector} text`))).toEqual([]);
  // Even where whoever resolves the links lets everything through.
  expect(
    problemsOf(sanitize(vector, open)).filter((one) => !/^href (?!\s*\w+:)/.test(one)),
  ).toEqual([]);
});

test("there are at least 60 vectors", () => {
  expect(new Set(VECTORS).size).toBeGreaterThanOrEqual(60);
});

const PIECES = fc.constantFrom(
  ..."a b p div table tr td th tbody li ul ol dl dt dd h1 h2 pre code details summary blockquote svg math style script title img br input form select"
    .split(" ")
    .flatMap((name) => [`<${name}>`, `</${name}>`, `<${name} id=x href=javascript:1 onclick=1>`]),
  "text",
  "&lt;",
  "&#106;avascript:",
  "<",
  ">",
  '"',
  "'",
  "<!--",
  "-->",
  "<![CDATA[",
  "]]>",
  "\0",
  "\n\n",
  "`",
  "[a](",
  ")",
  "|a|b|\n|-|-|\n",
  "> ",
  "- ",
);

test("no mixture of tags leaves its place or brings anything in", () => {
  fc.assert(
    fc.property(fc.array(PIECES, { maxLength: 40 }), (pieces) => {
      const text = pieces.join("");
      expect(problemsOf(render(text))).toEqual([]);
      expect(
        problemsOf(sanitize(text, { link: () => undefined, picture: () => undefined })),
      ).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test("sanitising twice changes nothing", () => {
  fc.assert(
    fc.property(fc.array(PIECES, { maxLength: 30 }), (pieces) => {
      const none = { link: () => undefined, picture: () => undefined };
      const once = sanitize(pieces.filter((piece) => !piece.includes("id=")).join(""), none);
      const twice = sanitize(once, none);
      // A picture has become a span, whose class is ours and goes at the second pass.
      expect(twice).toBe(once.replaceAll(' class="picture"', ""));
    }),
  );
});

const N = 100_000;
const HEAVY = [
  "[",
  "*",
  ">",
  "_",
  "`",
  "![",
  "<",
  "<a ",
  '<a x="',
  "<a x='",
  "<!--",
  "</",
  "<b>",
  "<table>",
  "<td>",
  "<li>",
  "- ",
  "> ",
  "&",
  "&#",
  "|",
  "a**",
  "[a](",
  "<svg>",
  "<style>",
  "<title",
  "\0",
  "<div><p>",
  "<a<",
];
test.each(HEAVY)("100 KB of %j is rendered in time", async (piece) => {
  let html = "";
  const text = piece.repeat(Math.ceil(N / piece.length));
  expect(await cpuMsOf(() => (html = render(text)))).toBeLessThan(1000);
  // What comes out stays in proportion, and no deeper than a browser likes.
  expect(html.length).toBeLessThan(N * 30);
  let depth = 0;
  let deepest = 0;
  for (const [tag] of html.matchAll(/<\/?[a-z]+[^>]*>/g)) {
    if (/^<(?:input|br|hr|wbr)/.test(tag)) continue;
    depth += tag.startsWith("</") ? -1 : 1;
    deepest = Math.max(deepest, depth);
  }
  expect(depth).toBe(0);
  expect(deepest).toBeLessThanOrEqual(65);
});

test("a very long README is cut and says so", () => {
  const readme = renderReadme("word ".repeat(200_000));
  expect(readme.isCut).toBe(true);
  expect(toText(readme.html).length).toBeLessThan(600 * 1024);
  expect(renderReadme("short").isCut).toBe(false);
});
