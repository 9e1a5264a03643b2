import { describe, expect, test } from "bun:test";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import * as fc from "fast-check";

import type { Told } from "#ui/model.ts";

import { temporaryFolder } from "../support/land.ts";
import { writeFiles } from "../support/project.ts";
import { testUi, told } from "./house.ts";

const EVIL = `"'><script>alert(1)</script><img src=x onerror=alert(1)>\u202e\u0007`;

/** What a registry, a manifest or a folder may hold instead of names. */
const evilValue = {
  packages: [
    {
      name: EVIL,
      version: EVIL,
      current: "1.0.0",
      wanted: EVIL,
      latest: EVIL,
      jump: EVIL,
      deprecated: EVIL,
      yanked: true,
      newer: EVIL,
      ok: false,
      publishedBy: EVIL,
      signature: { status: EVIL, why: EVIL },
      bins: [EVIL],
      dependencies: [EVIL, "x"],
      registry: EVIL,
      range: EVIL,
      installedAt: EVIL,
      usedAt: EVIL,
    },
  ],
  projects: [
    { folder: ".", name: EVIL, requirements: [{ name: EVIL, range: EVIL, kind: EVIL }] },
    {
      folder: EVIL,
      name: EVIL,
      requirements: [{ name: "x", range: EVIL, kind: "devDependencies" }],
    },
  ],
  missing: [{ name: EVIL, version: EVIL }],
  extraneous: [{ name: EVIL }],
  problems: [{ package: EVIL, path: EVIL, problem: EVIL }],
  added: [{ name: EVIL, version: EVIL }],
  changed: [{ name: EVIL, version: EVIL, from: EVIL }],
  removed: [{ name: EVIL, version: EVIL }],
  linked: [EVIL],
  behind: [{ name: EVIL, version: EVIL, latest: EVIL, reason: EVIL }],
  notes: [{ package: EVIL, path: EVIL, note: EVIL }],
  manifest: [{ name: EVIL, from: EVIL, to: EVIL, folder: EVIL, kind: EVIL }],
  forgotten: [EVIL],
  lost: [{ name: EVIL, version: EVIL, digest: EVIL }],
  repaired: [{ name: null, version: null, digest: EVIL }],
  dependents: [
    {
      name: EVIL,
      version: EVIL,
      folder: EVIL,
      range: EVIL,
      again: EVIL,
      dependents: [{ name: EVIL }],
    },
  ],
  settings: [{ key: "network.proxy", value: EVIL, origin: EVIL, about: EVIL, default: EVIL }],
  name: EVIL,
  key: EVIL,
  file: EVIL,
  registry: EVIL,
  path: EVIL,
  override: EVIL,
  member: EVIL,
  prunedAt: EVIL,
  bytes: 1,
};

/** All pages of a project, and the results of all acts. */
async function readAll(answer: () => Told, dir: string): Promise<string[]> {
  await using ui = testUi({
    known: [dir],
    invoke: async () => answer(),
    accounts: async () => [{ registry: "http://a.test", user: EVIL, isDefault: true }],
  });
  const { get, act } = await ui.enter();
  const here = `dir=${encodeURIComponent(dir)}`;
  const paths = ["", "global", "store", "prune-plan", "accounts", "settings", `project?${here}`];
  paths.push(`outdated?${here}`, `why?${here}&name=${encodeURIComponent(EVIL)}`);
  const read: string[] = [];
  for (const path of paths) {
    const page = await get(path);
    expect([path, page.status]).toEqual([path, 200]);
    read.push(await page.text());
  }
  for (const fields of [
    { act: "install", dir },
    { act: "verify", dir },
    { act: "audit", dir },
    { act: "prune" },
    { act: "repair-store" },
    { act: "set", key: "cache.maxSize", value: "1GB" },
    { act: "logout", name: "http://a.test" },
  ])
    read.push((await act(fields)).html);
  read.push(await (await get("done")).text());
  return read;
}

/** Elements and attributes that pages of ours never have, as a parser sees them. */
function requireHarmless(html: string): void {
  const found: string[] = [];
  new HTMLRewriter()
    .on("*", {
      element({ tagName, attributes }) {
        const all = new Map(attributes);
        for (const [name, value] of all)
          if (name.startsWith("on") || /^\s*(?:javascript|data):/i.test(value)) found.push(name);
        if (tagName === "script" && !/^\/ui\/\w+\.js$/.test(all.get("src") ?? ""))
          found.push(tagName);
        if (tagName === "img" && !/^\/assets\/\w+\.svg$/.test(all.get("src") ?? ""))
          found.push(tagName);
        if (/^(?:iframe|object|embed|style|base)$/.test(tagName)) found.push(tagName);
      },
    })
    .transform(html);
  expect(found).toEqual([]);
  // What would hide or turn text around it is not there either.
  const seen = html.replaceAll(/<input type="hidden"[^>]*>/g, "");
  expect(seen).not.toMatch(/[\u202e\u0007]/);
}

describe("what pages show", () => {
  test("of hostile names, texts and paths is text", async () => {
    await using folder = await temporaryFolder("ui");
    const dir = join(folder.path, `"><script>alert(1)<`, "a'b\n\u202ec");
    await writeFiles(dir, { "land.json": JSON.stringify({ dependencies: { x: "*" } }) });
    for (const html of await readAll(() => told(evilValue, false, [EVIL]), dir))
      requireHarmless(html);
  }, 20_000);

  test("of an act is what it left undone, what is good to know, and what one can paste into a shell", async () => {
    await using folder = await temporaryFolder("ui");
    const dir = folder.path;
    const value = {
      problems: [{ package: "left", path: ".", problem: "is not installed" }],
      notes: [{ package: "tool", path: ".bin/tool", note: "is run by another land, /opt/land" }],
      behind: [{ name: "left", version: "1.5.0", latest: "2.0.0", reason: "right holds it" }],
    };
    await using ui = testUi({ invoke: async () => told(value), known: [dir] });
    const { act } = await ui.enter();
    const latest = await act({ act: "latest", dir });
    expect(latest.html).toContain("left stays at 1.5.0, the newest is 2.0.0: right holds it");
    const verified = await act({ act: "verify", dir });
    expect(verified.html).toContain("Its folder is not installed");
    expect(verified.html).toContain("is run by another land, /opt/land");
    const added = await act({ act: "add", dir, spec: "left@>=1" });
    expect(added.html).toContain("<code>land add &#x27;left@&gt;=1&#x27;</code>");
  });

  test("of a problem is its text and its hint", async () => {
    await using folder = await temporaryFolder("ui");
    const problem = { code: "usage", detail: `Cannot ${EVIL}`, hint: `Try ${EVIL}` };
    const read = await readAll(() => ({ ok: false, problem, warnings: [EVIL] }), folder.path);
    for (const html of read) requireHarmless(html);
    expect(read.filter((html) => html.includes("Try &quot;")).length).toBeGreaterThan(10);
  }, 20_000);

  test("is a page for any value", async () => {
    await using folder = await temporaryFolder("ui");
    const keys = fc.constantFrom(...Object.keys(evilValue), "limits", "archives", "signature");
    const value = fc.dictionary(keys, fc.jsonValue({ maxDepth: 3 }));
    await fc.assert(
      fc.asyncProperty(value, async (left) => {
        for (const html of await readAll(() => told(left), folder.path)) requireHarmless(html);
      }),
      { numRuns: 15 },
    );
  }, 60_000);
});

describe("projects", () => {
  test("are as they are: whole, without what they need, gone, not to be read", async () => {
    await using folder = await temporaryFolder("ui");
    const at = (name: string): string => join(folder.path, name);
    await writeFiles(folder.path, {
      "empty/land.json": `{ "name": "nothing-needed", "version": "1.0.0" }`,
      "wants/land.json": `{ "name": "wants", "dependencies": { "left": "^1.0.0" } }`,
      "torn/land.json": `{ "name": `,
      "newer/land.json": `{ "dependencies": { "left": "^1.0.0" } }`,
      "newer/land.lock": `{ "lockfileVersion": 999 }`,
    });
    await mkdir(at("bare"));
    const names = ["empty", "wants", "torn", "newer", "bare", "gone"];
    await using ui = testUi({ known: names.map(at) });
    const { get } = await ui.enter();
    const html = await (await get("")).text();
    const rows = html.split("<li>").slice(1);
    const badges = rows.map((row) => /class="badge[^>]*>([^<]+)</.exec(row)?.[1]);
    expect(badges).toEqual([
      "as land.lock says",
      "no land.lock yet",
      "cannot be read",
      "cannot be read",
      "cannot be read",
      "its folder is gone",
    ]);
    expect(rows.map((row) => row.includes('action="forget"'))).toEqual(
      names.map((name) => name === "gone"),
    );
    expect(html).toContain("nothing-needed");
  });

  test("that are none are not there, and neither is a folder above one", async () => {
    await using ui = testUi({ known: ["/home/ada/app"] });
    const { get } = await ui.enter();
    for (const dir of ["/home/ada", "/home/ada/app/", "/home/ada/app/..", "", "/etc"])
      expect((await get(`project?dir=${encodeURIComponent(dir)}`)).status).toBe(404);
    expect((await get("project")).status).toBe(404);
    expect(ui.calls).toEqual([]);
  });

  test("none: the page says how to have one", async () => {
    await using ui = testUi();
    const html = await (await (await ui.enter()).get("")).text();
    expect(html).toContain("No projects yet");
    expect(html).toContain("land install");
  });
});

test("the name of a package is never a flag of `land why`", async () => {
  await using ui = testUi({ known: ["/home/ada/app"] });
  const { get } = await ui.enter();
  await get("why?dir=%2Fhome%2Fada%2Fapp&name=--registry%3Dhttp%3A%2F%2Fevil.test");
  expect(ui.calls.at(-1)).toEqual(["why", "--", "--registry=http://evil.test"]);
});
