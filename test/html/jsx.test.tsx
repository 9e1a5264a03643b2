import { expect, test } from "bun:test";

import * as fc from "fast-check";
import { Window } from "happy-dom";

import { isSafeAddress } from "#html/attributes.ts";
import { type Child, type Html, isHtml, raw, toText } from "#html/html.ts";
import { jsx } from "#html/jsx-runtime";

const { document } = new Window();
/** Parses markup as a browser would and gives back the element around it. */
function parse(html: Html): ReturnType<typeof document.createElement> {
  const host = document.createElement("div");
  host.innerHTML = toText(html);
  return host;
}
/** Parsers cannot give back NUL or half a surrogate pair. */
const readable = (text: string): string => text.toWellFormed().replaceAll("\0", "\uFFFD");
const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc.constantFrom(
    "</p>",
    "<script>alert(1)</script>",
    "\r\n\r",
    "&amp;",
    "\"'`",
    "<!--",
    "]]>",
    "\n",
  ),
);

test("each character that could end a text or an attribute is escaped, also alone", () => {
  const escaped = ["&", "<", ">", '"', "'"].map((char) => toText(<p title={char}>{char}</p>));
  expect(escaped).toEqual(
    ["&amp;", "&lt;", "&gt;", "&quot;", "&#x27;"].map((text) => `<p title="${text}">${text}</p>`),
  );
});

test("any text reads back as the same text between tags", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const host = parse(<p>{text}</p>);
      expect(host.children.length).toBe(1);
      expect(host.firstElementChild?.childElementCount).toBe(0);
      expect(host.textContent).toBe(readable(text));
    }),
  );
});

test("any text reads back as the same attribute value", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const host = parse(<p title={text} data-x={text} />);
      const names = [...(host.firstElementChild?.attributes ?? [])].map((one) => one.name);
      expect(names).toEqual(["title", "data-x"]);
      expect(host.firstElementChild?.getAttribute("title")).toBe(readable(text));
    }),
  );
});

test("any text reads back inside textarea, whatever it begins with", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(toText(<textarea>{text}</textarea>)).not.toContain("<script");
      expect(toText(<title>{text}</title>)).not.toContain("</p");
    }),
  );
  expect(toText(<textarea>{"\na"}</textarea>)).toBe("<textarea>\n\na</textarea>");
  expect(toText(<pre>{"\na"}</pre>)).toBe("<pre>\n\na</pre>");
});

test("data that looks like markup is never trusted", () => {
  const forged: Child = JSON.parse(
    '{"html":"<b>","Symbol(land.html)":"<b>","toString":"<b>","length":1}',
  );
  expect(isHtml(forged)).toBe(false);
  expect(() => jsx("p", { children: forged })).toThrow("Cannot render a child of type object");
  expect(() => jsx("p", { children: JSON.parse("[{}]") })).toThrow("type object");
  expect(() => jsx("p", { title: forged })).toThrow('attribute "title"');
});

test("children: nothing, numbers, arrays, fragments and raw", () => {
  const rows = [1, 2n, null, undefined, true, false, ["a", [<i>b</i>]]];
  expect(toText(<p>{rows}</p>)).toBe("<p>12a<i>b</i></p>");
  expect(toText(<p>{0}</p>)).toBe("<p>0</p>");
  expect(
    toText(
      <>
        a<b>{raw("<u>")}</b>
      </>,
    ),
  ).toBe("a<b><u></b>");
});

const Card = (props: { name: string; children?: Child }): Html => (
  <section title={props.name}>{props.children}</section>
);
const Nothing = (): Html | null => null;
test("components get their props and children", () => {
  expect(toText(<Card name='"'>{"<"}</Card>)).toBe('<section title="&quot;">&lt;</section>');
  expect(toText(jsx(Nothing, {}))).toBe("");
});

test("attributes: absent, bare, classes, aria", () => {
  expect(toText(<input disabled name="a" value={undefined} checked={false} />)).toBe(
    '<input disabled name="a">',
  );
  expect(toText(<p class={["a", false, undefined, "b"]} aria-hidden={true} />)).toBe(
    '<p class="a b" aria-hidden="true"></p>',
  );
  expect(toText(<p class={[]} aria-busy={false} key="k" />)).toBe('<p aria-busy="false"></p>');
});

test("void elements have no end tag and no children", () => {
  expect(toText(jsx("br", { children: "x" }))).toBe("<br>");
  expect(toText(<img src="/a.png" alt="" />)).toBe('<img src="/a.png" alt="">');
});

test.each([
  "onclick",
  "ONLOAD",
  "style",
  "STYLE",
  "srcdoc",
  "a b",
  'a"',
  "a>",
  "a=b",
  "",
  "1a",
  "a/b",
])("attribute name %p is refused", (name) => {
  expect(() => jsx("p", { [name]: "x" })).toThrow("Cannot render attribute");
});

test.each(["p onclick=x", "p>", "", "1", "!--", "a/b"])("element name %p is refused", (name) => {
  expect(() => jsx(name, {})).toThrow("Cannot render element");
});

test("attributes of a polluted prototype are not rendered", () => {
  const props: Record<string, unknown> = Object.create({ title: "inherited" });
  expect(toText(jsx("p", props))).toBe("<p></p>");
});

const HOSTILE = [
  "javascript:alert(1)",
  "JaVaScRiPt:alert(1)",
  " javascript:alert(1)",
  "\u0001javascript:alert(1)",
  "java\tscript:alert(1)",
  "java\nscript:alert(1)",
  "java\r\nscript:alert(1)",
  "java\u0000script:alert(1)",
  "\u00a0javascript:alert(1)",
  "\ufeffjavascript:alert(1)",
  "javascript\t:alert(1)",
  "vbscript:msgbox(1)",
  "data:text/html,<script>alert(1)</script>",
  "DATA:image/svg+xml;base64,PHN2Zz4=",
  "blob:https://a/b",
  "file:///etc/passwd",
  "view-source:x",
  "intent://x",
];
test.each(HOSTILE)("address %j is dropped", (address) => {
  expect(isSafeAddress(address)).toBe(false);
  for (const name of [
    "href",
    "src",
    "action",
    "formaction",
    "xlink:href",
    "HREF",
    "data",
    "poster",
  ])
    expect(toText(jsx("a", { [name]: address }))).toBe("<a></a>");
});
test.each([
  "https://a.b/c",
  "http://a",
  "mailto:a@b.c",
  "/a:b",
  "./x",
  "?a=javascript:",
  "#javascript:",
  "a/b",
  "//a.b",
  "",
])("address %j stays", (address) => {
  expect(parse(<a href={address}>x</a>).firstElementChild?.getAttribute("href")).toBe(address);
});

test("no address that survives has a scheme other than http, https and mailto", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(...HOSTILE)),
      fc.nat(20),
      (text, cut) => {
        const address = text.slice(0, cut) + "\t" + text.slice(cut);
        const host = parse(<a href={address}>x</a>);
        const href = host.firstElementChild?.getAttribute("href");
        if (href === null || href === undefined || !URL.canParse(href)) return;
        expect(["http:", "https:", "mailto:"]).toContain(new URL(href).protocol);
      },
    ),
  );
});

test("script and style take code only", () => {
  expect(() => <script>{"alert(1)"}</script>).toThrow("Cannot render text inside <script>");
  expect(() => <style>{"p{}"}</style>).toThrow("Cannot render text inside <style>");
  expect(() => <script>{raw("a='</script>'")}</script>).toThrow("end tag");
  expect(() => <style>{raw("</STYLE ")}</style>).toThrow("end tag");
  expect(toText(<script>{raw("a<b")}</script>)).toBe("<script>a<b</script>");
  expect(toText(<script src="/a.js" />)).toBe('<script src="/a.js"></script>');
  const data = { a: "</script><!--&\u2028" };
  const json = toText(<script type="application/json">{JSON.stringify(data)}</script>);
  expect(json.match(/</g)?.length).toBe(2);
  expect(JSON.parse(json.slice(json.indexOf(">") + 1, json.lastIndexOf("<")))).toEqual(data);
});
