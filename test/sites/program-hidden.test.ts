import { expect, test } from "bun:test";

import { runWhole } from "#base/slices.ts";
import { sliceSite } from "#pack/manifest-site.ts";
import { readSiteRules, resolve } from "#sites/rules/resolve.ts";

const FILES = new Set([".land/program.js", ".land/program.js.map", "land.json", "404.html"]);

test.each([
  "/.land/program.js",
  "/.land/program.js.map",
  "/.land/program",
  "/%2eland/program.js",
  "//.land//program.js",
  "/.land%2Fprogram.js",
  "/go/program.js",
  "/land.json",
])("%s is no file to visitors", (path) => {
  const { rules } = readSiteRules({
    redirects: "/go/* /.land/:splat 200!\n/go/program.js /.land/program.js 200\n",
  });
  const found = resolve(rules, (name) => FILES.has(name), {
    path,
    query: "",
    host: "blog.localhost",
    scheme: "http",
  });
  expect(found.kind === "file" ? found.path : found.kind).toMatch(/^(?:missing|malformed)$/);
});

test("what a manifest says of schedules and the database is read, and what is neither refused", () => {
  const read = (site: unknown) => runWhole(sliceSite(JSON.stringify({ site })));
  const crons = ["@daily", { cron: "0 4 * * *", timeZone: "Europe/Berlin" }, { cron: "0 5 * * *" }];
  expect(read({ crons, database: false })).toEqual({ routes: [], crons, database: false } as never);
  for (const site of [
    { crons: [1] },
    { crons: [{}] },
    { crons: {} },
    { database: 1 },
    { crons: [{ cron: "x", timeZone: 1 }] },
  ])
    expect(() => read(site)).toThrow("land.json");
});
