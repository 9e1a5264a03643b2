import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";

import { bodyOf, headerOf, type SiteWorld, siteWorld, untilHot } from "./site-world.ts";
import { statusOf } from "./wire.ts";

const CANARY = "canary-of-the-data-folder";
const SITES = ["plain", "rules"];

let world: SiteWorld;
beforeAll(async () => {
  world = await siteWorld({ LAND_RATE_LIMIT: "off" });
  const files = {
    "index.html": "the index",
    "a/index.html": "the index of a",
    "a/b.txt": "b",
    "secret.txt": "in the manifest",
    "404.html": "nothing here",
  };
  await world.deploy(world.ada, "plain", files);
  const rules = {
    _redirects:
      "/up/* /:splat 200\n/out/* /../../:splat 200\n/enc/* /%2e%2e/:splat 200\n/go/* /:splat 301\n",
    _headers: "/*\n  X-Rule: yes\n",
  };
  await world.deploy(world.ada, "rules", { ...files, ...rules });
  const { data } = world.server;
  for (const path of ["canary.txt", "blobs/canary.txt", "blobs/sha256/canary.txt", "etc/passwd"]) {
    await mkdir(join(data, path, ".."), { recursive: true });
    await Bun.write(join(data, path), CANARY);
  }
  // Wherever the process stands: a path that is read as it comes would find one of these.
  await Bun.write(join(data, "../canary.txt"), CANARY);
  await symlink(data, join(data, "blobs/sha256/link"));
  await untilHot();
});
afterAll(() => world[Symbol.asyncDispose]());

/** Ways to write "one folder up". */
const UPS = [
  "..",
  "%2e%2e",
  "%2E%2e",
  ".%2e",
  "%2e.",
  "%252e%252e",
  "%25252e%25252e",
  "%c0%ae%c0%ae",
  "%c0%2e%c0%2e",
  "%e0%80%ae%e0%80%ae",
  "%f0%80%80%ae%f0%80%80%ae",
  "%uff0e%uff0e",
  "%u002e%u002e",
  "%ef%bc%8e%ef%bc%8e",
  "\xef\xbc\x8e\xef\xbc\x8e",
  "\xc0\xae\xc0\xae",
  "..;",
  "..;x=y",
  "..%00",
  "%00..",
  "..%0d%0a",
  "..%09",
  "..%20",
  "....",
  "...",
  "..%ff",
  "%2e%2e%3f",
  "%2e%2e%23",
];
/** Ways to write "/". */
const SLASHES = ["/", "//", "%2f", "%5c", "\\", "%252f", "%c0%af", "%e0%80%af", "%ef%bc%8f", "/./"];
/** What a path is put in front of. */
const FRONTS = ["", "/a", "/up", "/out", "/enc"];
const TARGETS = ["canary.txt", "land.db", "secret.key", "blobs/sha256/canary.txt", "etc/passwd"];
/** And whole addresses that are odd in a way of their own. */
const ODD = [
  "/canary.txt",
  "/./canary.txt",
  "/.//canary.txt",
  "//canary.txt",
  "///etc/passwd",
  "/%2fetc%2fpasswd",
  "/%5c%5clocalhost%5cc$",
  "/C:/canary.txt",
  "/C%3a%5ccanary.txt",
  "/file:///etc/passwd",
  "/canary.txt%00.html",
  "/canary.txt%00",
  "/canary.txt::$DATA",
  "/a/..%2f..%2f..%2fetc/passwd",
  "/blobs/sha256/link/canary.txt",
  "/proc/self/environ",
  "/..%2f..%2f..%2f..%2f..%2f..%2fproc/self/environ",
  "/~root/canary.txt",
  "/%7eroot/canary.txt",
  "/a/%2e%2e%2f%2e%2e%2fcanary.txt?x=/../canary.txt",
  "/a?../../canary.txt",
  "/a#/../../canary.txt",
  "/_redirects",
  "/_headers",
  "/%5fredirects",
  "/_%72edirects",
  "/a/../_redirects",
  "/%",
  "/%2",
  "/%zz",
  "/%ff",
  "/%ed%a0%80",
  `/${"%2e%2e/".repeat(1500)}canary.txt`,
  `/${"../".repeat(3000)}canary.txt`,
];

/** Where a redirect may lead: a path of the same host that does not climb. */
const OWN_PATH = /^\/(?![/\\])(?!.*(?:^|\/)\.\.(?:\/|$))[\x21-\x7e]*$/;
/** What nobody may get: the canary, a database, a key, the files of rules, a list of accounts or of variables. */
const OUTSIDE = new RegExp(
  `${CANARY}|SQLite format|^[0-9a-f]{64}\\n|:splat|X-Rule: yes\\n?$|root:|PATH=`,
);
/** What the site holds: an address that climbs to no more than its own root may lead there. */
const INSIDE = ["the index", "the index of a", "b", "in the manifest", "nothing here"];

async function prove(target: string): Promise<void> {
  for (const site of SITES)
    for (let times = 0; times < 2; times += 1) {
      const answer = await world.ask(`${site}.localhost`, target);
      const status = statusOf(answer);
      const body = bodyOf(answer);
      expect([target, OUTSIDE.test(body)]).toEqual([target, false]);
      if ([301, 302, 307, 308].includes(status))
        expect([target, headerOf(answer, "location")?.replace(/\?.*/, "") ?? ""]).toEqual([
          target,
          expect.stringMatching(OWN_PATH),
        ]);
      else if (status === 200) expect(INSIDE).toContain(body);
      else expect([target, [400, 404].includes(status)]).toEqual([target, true]);
      // What is asked for is never there, however it is spelled.
      if (target.includes("canary") && !/[?#]/.test(target))
        expect([target, status]).not.toEqual([target, 200]);
    }
}

test.each(UPS)(
  "path traversal serving: %s before every slash, file and rule",
  async (up) => {
    for (const slash of SLASHES)
      for (const [at, file] of TARGETS.entries()) {
        const front = FRONTS[at % FRONTS.length] ?? "";
        await prove(`${front}/${up}${slash}${file}`);
        await prove(`${front}/${up}${slash}${up}${slash}${up}${slash}${file}`);
      }
  },
  60_000,
);

test.each(ODD.map((target) => [target.slice(0, 60), target]))(
  "path traversal serving: %s",
  (_, target = "") => prove(target),
);

test("path traversal serving: the file of a deploy is named by its manifest in the API, too", async () => {
  const live = await world.live("plain");
  for (const path of [
    "../canary.txt",
    "/canary.txt",
    "..%2fcanary.txt",
    "a/../index.html",
    "a\0b",
    "",
  ]) {
    const query = new URLSearchParams({ path });
    const answer = await fetch(
      `${world.server.url}/api/v1/sites/plain/deploys/${live?.id ?? ""}/raw?${query.toString()}`,
      { headers: { authorization: `Bearer ${world.ada}` } },
    );
    expect([path, answer.status]).toEqual([path, 404]);
  }
  for (const hex of ["..%2f..%2fcanary.txt", "link%2fcanary.txt", "canary.txt", "%2e%2e"]) {
    const answer = await fetch(`${world.server.url}/api/v1/blobs/sha256/${hex}`);
    expect([hex, answer.status]).toEqual([hex, 404]);
  }
});

test("path traversal serving: the file that lies there is served, so that these tests can fail", async () => {
  expect(bodyOf(await world.ask("plain.localhost", "/secret.txt"))).toBe("in the manifest");
  expect(bodyOf(await world.ask("rules.localhost", "/up/secret.txt"))).toBe("in the manifest");
  expect(statusOf(await world.ask("plain.localhost", "/canary.txt"))).toBe(404);
});
