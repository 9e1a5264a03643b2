import { describe, expect, test } from "bun:test";

import { type Element, Window } from "happy-dom";

import { toText } from "#html/html.ts";
import { pages } from "#test/support/sample-pages.tsx";
import { frame } from "#test/support/sample-site.ts";
import {
  CONTENT_SECURITY_POLICY,
  findAsset,
  logoAsset,
  scriptAsset,
  styleAsset,
} from "#web/assets.ts";
import { SiteEnterPage } from "#web/site-enter.tsx";
import { formatCount, packagePath } from "#web/ui.tsx";

function open(name: string): { text: string; document: Window["document"] } {
  const text = toText(
    pages[name]?.() ??
      (() => {
        throw new Error(`no page ${name}`);
      })(),
  );
  const window = new Window();
  window.document.write(text);
  return { text, document: window.document };
}
const all = (within: Window["document"], selector: string): Element[] => [
  ...within.querySelectorAll(selector),
];

describe.each(Object.keys(pages))("page %s", (name) => {
  const { text, document } = open(name);

  test("is one document with title, language and one first heading", () => {
    expect(text.startsWith('<!doctype html>\n<html lang="en">')).toBe(true);
    expect(document.title).not.toBe("");
    const headings = all(document, "h1").filter((one) => !one.closest(".readme"));
    expect(headings.length).toBeLessThanOrEqual(1);
    expect(all(document, "main#main").length).toBe(1);
  });

  test("brings no inline script, style or handler, and nothing from elsewhere", () => {
    expect(all(document, "script").map((one) => one.getAttribute("src"))).toEqual([
      scriptAsset.url,
    ]);
    expect(all(document, "style, [style], iframe, object, embed, base").length).toBe(0);
    for (const one of all(document, "*"))
      for (const { name: attribute } of one.attributes) expect(attribute).not.toMatch(/^on/i);
    expect(all(document, "img").map((one) => one.getAttribute("src"))).toEqual([logoAsset.url]);
  });

  test("every form that changes something carries the token, and posts to this site", () => {
    for (const form of all(document, "form")) {
      expect(form.getAttribute("action")).toMatch(/^\/[a-z]/);
      if (form.getAttribute("method") !== "post") continue;
      expect(form.querySelector("input[name=_csrf]")?.getAttribute("value")).toBe("csrf-token");
    }
  });

  test("every field has a label, every id stands once, every reference finds its id", () => {
    const ids = all(document, "[id]").map((one) => one.id);
    expect(ids.length).toBe(new Set(ids).size);
    for (const field of all(document, "input:not([type=hidden]):not([disabled]), select")) {
      const label = field.closest("label") ?? document.querySelector(`label[for="${field.id}"]`);
      expect(label?.textContent?.trim()).not.toBe("");
      expect(label).not.toBeNull();
    }
    for (const attribute of ["aria-describedby", "aria-labelledby", "for"])
      for (const one of all(document, `[${attribute}]`))
        for (const id of (one.getAttribute(attribute) ?? "").split(" ")) expect(ids).toContain(id);
    for (const link of all(document, 'a[href^="#"]'))
      expect(ids).toContain(link.getAttribute("href")?.slice(1) ?? "");
  });

  test("every link leads to this site or to the web", () => {
    for (const link of all(document, "a")) {
      const href = link.getAttribute("href");
      if (!link.closest(".readme")) expect(href).toMatch(/^(?:\/|#|https?:\/\/)/);
      if (href?.startsWith("http")) expect(link.getAttribute("rel")).toContain("nofollow");
      expect(link.textContent?.trim()).not.toBe("");
    }
  });
});

test("a package page shows what the registry knows", () => {
  const { document } = open("package");
  const text = document.body.textContent ?? "";
  for (const part of [
    "land add @ada/contour",
    "1,284,093",
    "sha256:3f7a9c",
    "ed25519:",
    "hillshade",
    "yanked",
    "pre-release",
    "deprecated",
    "6 older versions",
  ])
    expect(text).toContain(part);
  expect(document.querySelector("svg.sparkline")?.getAttribute("aria-label")).toBe(
    "16,304 downloads in 30 days",
  );
  expect(
    document.querySelector(
      ".readme a[href='https://github.com/ada/contour/blob/HEAD/docs/guide.md']",
    ),
  ).not.toBeNull();
});

test("a version page pins the version and points to the latest", () => {
  const { document } = open("version");
  expect(document.querySelector(".install code")?.textContent).toBe("land add @ada/contour@2.0.1");
  expect(document.querySelector(".notice.bad")?.textContent).toContain("This version is yanked");
  expect(document.querySelector("link[rel=canonical]")?.getAttribute("href")).toBe(
    "https://land.example.com/packages/@ada/contour",
  );
});

test("forms that come back keep what was typed, except passwords, and say what is wrong", () => {
  const { document } = open("register");
  expect(document.querySelector("#username")?.getAttribute("value")).toBe("Ada");
  expect(document.querySelector("#password")?.hasAttribute("value")).toBe(false);
  expect(document.querySelector("#password")?.getAttribute("aria-invalid")).toBe("true");
  expect(document.querySelector("#password-problem")?.textContent).toBe(
    "Use at least 10 characters",
  );
  expect(
    open("settings-empty").document.querySelector("input[value=read]")?.hasAttribute("checked"),
  ).toBe(true);
});

test("assets are named by their content and may be kept for ever", () => {
  for (const asset of [styleAsset, scriptAsset, logoAsset]) {
    expect(asset.url).toMatch(/^\/assets\/[0-9a-f]{16}\.(?:css|js|svg)$/);
    expect(findAsset(asset.url)).toBe(asset);
    expect(asset.headers["cache-control"]).toContain("immutable");
  }
  expect(findAsset("/assets/none.css")).toBeUndefined();
  expect(styleAsset.body).not.toMatch(/url\(|@import/);
  expect(CONTENT_SECURITY_POLICY).not.toContain("unsafe");
});

test("the way into a site leads on by itself, and by a link where it does not", () => {
  const address = "https://field-notes.land.example.com/.land/enter?ticket=a.b&x=%22";
  const window = new Window();
  window.document.write(toText(SiteEnterPage({ frame, address })));
  const refresh = window.document.querySelector('meta[http-equiv="refresh"]');
  expect(refresh?.getAttribute("content")).toBe(`0; url=${address}`);
  expect(window.document.querySelector("main a")?.getAttribute("href")).toBe(address);
});

test("addresses of packages", () => {
  expect(packagePath("left")).toBe("/packages/left");
  expect(packagePath("@ada/greet", "1.0.0-beta.1")).toBe("/packages/@ada/greet/1.0.0-beta.1");
  expect(formatCount(1234567)).toBe("1,234,567");
});
