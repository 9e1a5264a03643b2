import { afterEach, beforeEach, expect, test } from "bun:test";
import { readdir, rename, utimes } from "node:fs/promises";
import { join } from "node:path";

import { hashSite } from "#pack/site-hash.ts";
import { selectSite } from "#pack/site-select.ts";
import { type TemporaryFolder, temporaryFolder } from "#test/support/land.ts";
import { writeFiles } from "#test/support/project.ts";

let root: TemporaryFolder;
const at = (...path: string[]): string => join(root.path, ...path);
beforeEach(async () => {
  root = await temporaryFolder("hashes");
});
afterEach(() => root[Symbol.asyncDispose]());

/** Long enough after every change on the disk for a hash to be kept. */
const later = (): Date => new Date(Date.now() + 60_000);
const sha = (text: string | Uint8Array): string => Bun.SHA256.hash(text, "hex");

async function hash(now: () => Date = later) {
  const selection = await selectSite(at("site"));
  const files = await hashSite(selection, { now, cache: at("cache") });
  return Object.fromEntries(files.map(({ path, sha256 }) => [path, sha256]));
}

/** Puts a hash into the cache that no content has, so that one can see whether the cache was used. */
async function poison(): Promise<void> {
  const [name = ""] = await readdir(at("cache/sites"));
  const file = at("cache/sites", name);
  await Bun.write(file, (await Bun.file(file).text()).replace(/[0-9a-f]{64}/g, "0".repeat(64)));
}
const ZEROS = "0".repeat(64);

test("what did not change is not read again", async () => {
  await writeFiles(at("site"), { "a.txt": "one", "b.txt": "two" });
  const first = { "a.txt": sha("one"), "b.txt": sha("two") };
  expect(await hash()).toEqual(first);
  await poison();
  expect(await hash()).toEqual({ "a.txt": ZEROS, "b.txt": ZEROS });
  await Bun.write(at("site/a.txt"), "uno");
  expect(await hash()).toEqual({ "a.txt": sha("uno"), "b.txt": ZEROS });
});

test("a file that had just changed is read anew: its times may not tell of the next change", async () => {
  await writeFiles(at("site"), { "a.txt": "one" });
  await hash(() => new Date());
  await poison();
  expect(await hash()).toEqual({ "a.txt": sha("one") });
});

test("a change that forges size and time of modification is seen by the time of its entry", async () => {
  await writeFiles(at("site"), { "a.txt": "one" });
  const when = new Date(1_700_000_000_000);
  await utimes(at("site/a.txt"), when, when);
  await hash();
  await Bun.write(at("site/a.txt"), "two");
  await utimes(at("site/a.txt"), when, when);
  expect(await hash()).toEqual({ "a.txt": sha("two") });
});

test("another file moved to the same place is read", async () => {
  await writeFiles(at("site"), { "a.txt": "one" });
  await hash();
  await writeFiles(at(), { other: "two" });
  await rename(at("other"), at("site/a.txt"));
  expect(await hash()).toEqual({ "a.txt": sha("two") });
});

test.each(["", "garbage", "{}\n", '{"version":"0.0","dir":"x"}\n', '["a.txt","1","zz"]\n'])(
  "a cache that is %j counts as none",
  async (text) => {
    await writeFiles(at("site"), { "a.txt": "one" });
    await hash();
    const [name = ""] = await readdir(at("cache/sites"));
    await Bun.write(at("cache/sites", name), text);
    expect(await hash()).toEqual({ "a.txt": sha("one") });
  },
);

test("a cache cut anywhere never gives a wrong hash", async () => {
  await writeFiles(at("site"), { "a.txt": "one", "b.txt": "two", "c.txt": "three" });
  const right = await hash();
  const [name = ""] = await readdir(at("cache/sites"));
  const whole = await Bun.file(at("cache/sites", name)).text();
  for (let end = 0; end < whole.length; end += 7) {
    await Bun.write(at("cache/sites", name), whole.slice(0, end));
    expect(await hash()).toEqual(right);
  }
});

test("a cache that cannot be written is no reason to fail", async () => {
  await writeFiles(at(), { "site/a.txt": "one", cache: "a file stands in the way" });
  expect(await hash()).toEqual({ "a.txt": sha("one") });
});

test("secrets are found by name and content, from the cache too", async () => {
  const token = `ghp_${"a".repeat(36)}`;
  await writeFiles(at("site"), { id_rsa: "x", "app.js": `const t = "${token}"`, "b.js": "fine" });
  for (let run = 0; run < 2; run += 1) {
    const files = await hashSite(await selectSite(at("site")), { now: later, cache: at("cache") });
    expect(Object.fromEntries(files.map(({ path, secret }) => [path, secret]))).toEqual({
      "app.js": "a token of GitHub",
      "b.js": undefined,
      id_rsa: "a private key",
    });
  }
});

test("large files are hashed piece by piece, and stopping is heeded", async () => {
  const large = new Uint8Array(3_000_000).fill(7);
  await writeFiles(at("site"), { "large.bin": large, empty: "" });
  expect(await hash()).toEqual({ "large.bin": sha(large), empty: sha("") });
  const stop = AbortSignal.abort();
  const work = hashSite(await selectSite(at("site")), { now: later, signal: stop });
  expect(await work.catch((error: unknown) => error)).toMatchObject({ code: "cancelled" });
});
