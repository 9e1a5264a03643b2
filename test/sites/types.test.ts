import { describe, expect, test } from "bun:test";

import { isFingerprinted } from "#sites/rules/fingerprint.ts";
import { contentTypeOf, isCompressible } from "#sites/rules/types.ts";

describe("content types", () => {
  test.each([
    ["index.html", "text/html; charset=utf-8"],
    ["a/B.HTML", "text/html; charset=utf-8"],
    ["app.js", "text/javascript; charset=utf-8"],
    ["app.mjs", "text/javascript; charset=utf-8"],
    ["app.css", "text/css; charset=utf-8"],
    ["app.js.map", "application/json"],
    ["notes.md", "text/markdown; charset=utf-8"],
    ["robots.txt", "text/plain; charset=utf-8"],
    ["sitemap.xml", "application/xml"],
    ["site.webmanifest", "application/manifest+json"],
    ["feed.atom", "application/atom+xml"],
    ["a.wasm", "application/wasm"],
    ["a.avif", "image/avif"],
    ["a.svg", "image/svg+xml"],
    ["favicon.ico", "image/vnd.microsoft.icon"],
    ["a.woff2", "font/woff2"],
    ["a.pdf", "application/pdf"],
    ["a.mp4", "video/mp4"],
    ["a.mp3", "audio/mpeg"],
    ["a.unknown", "application/octet-stream"],
    ["LICENSE", "application/octet-stream"],
    ["a.constructor", "application/octet-stream"],
    ["a.b/c", "application/octet-stream"],
    ["", "application/octet-stream"],
    [".well-known/security.txt", "text/plain; charset=utf-8"],
    [".well-known/apple-app-site-association", "application/json"],
    ["apple-app-site-association", "application/json"],
    [".well-known/acme-challenge/token", "text/plain; charset=utf-8"],
    [".well-known/openid-configuration", "application/json"],
    [".well-known/constructor", "text/plain; charset=utf-8"],
  ])("%s is %s", (path, type) => {
    expect(contentTypeOf(path)).toBe(type);
  });
});

test.each([
  ["text/html; charset=utf-8", true],
  ["image/svg+xml", true],
  ["application/manifest+json", true],
  ["application/wasm", true],
  ["APPLICATION/JSON", true],
  ["font/ttf", true],
  ["font/woff2", false],
  ["image/png", false],
  ["video/mp4", false],
  ["application/zip", false],
  ["application/octet-stream", false],
  ["", false],
])("%s compresses: %p", (type, answer) => {
  expect(isCompressible(type)).toBe(answer);
});

describe("names that hold a hash", () => {
  test.each([
    "assets/index-D4kq9xZ2.js",
    "assets/index-B3_k-2aB.css",
    "app.3f2a9c1b.js",
    "app.abcdefg1.js",
    "main.7f3e2a1b9c8d7e6f5a4b.js",
    "app-a1b2c3d4.js",
    "chunk-ABCDEFG2.js",
    "_astro/hoisted.Bq1xYz12.css",
    "Bq1xYz12.js",
    "style.min.0f1e2d3c4b5a69788796a5b4c3d2e1f0.css",
    "photo-5d41402abc4b2a76.avif",
    "logo_3f2a9c1b.svg",
  ])("%s", (path) => {
    expect(isFingerprinted(path)).toBe(true);
  });
});

describe("names that are only names", () => {
  test.each([
    "index.html",
    "post-3f2a9c1b.html",
    "app.js",
    "bootstrap5.css",
    "datepicker-bootstrap5.js",
    "2024-summer-report.pdf",
    "summer-vacation2024.jpg",
    "IMG_20240101.jpg",
    "Screenshot2024.png",
    "jquery-3.7.1.min.js",
    "app.abcdefgh.js",
    "app.12345678.js",
    "app.a1b2c3.js",
    ".a1b2c3d4",
    "a1b2c3d4",
    "a1b2c3d4/app.js",
    "",
  ])("%s", (path) => {
    expect(isFingerprinted(path)).toBe(false);
  });
});
