import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { rm } from "node:fs/promises";
import { join } from "node:path";

import { array, assert, asyncProperty, integer } from "fast-check";

import { hashSite } from "#pack/site-hash.ts";
import { selectSite } from "#pack/site-select.ts";
import { createRemote, type RemoteOptions } from "#remote/client.ts";
import { type DeployPlan } from "#remote/deploy.ts";
import { parseRegistryUrl } from "#remote/registry-url.ts";
import type { SendProgress } from "#remote/send-blobs.ts";
import { problem } from "#test/support/fake-registry.ts";
import { type TemporaryFolder, temporaryFolder } from "#test/support/land.ts";
import { writeFiles } from "#test/support/project.ts";
import { testServer } from "#test/support/server.ts";

import { cuttingProxy, type FakeSites, fakeSites } from "./fake-sites.ts";

let root: TemporaryFolder;
let sites: FakeSites;
beforeEach(async () => {
  root = await temporaryFolder("deploy");
  sites = await fakeSites();
});
afterEach(async () => {
  await sites[Symbol.asyncDispose]();
  await root[Symbol.asyncDispose]();
});

async function planOf(files: Record<string, string | Uint8Array>): Promise<DeployPlan> {
  await writeFiles(root.path, files);
  const selection = await selectSite(root.path);
  const hashed = await hashSite(selection, { now: () => new Date() });
  return { site: "blog", dir: selection.dir, files: hashed };
}

const remoteAt = (registry: string, more: Partial<RemoteOptions> = {}) =>
  createRemote({ registry, sleep: async () => undefined, ...more });
const deploy = (plan: DeployPlan, more?: Partial<RemoteOptions>) =>
  remoteAt(sites.url, more).deploy(plan);
const linesOf = (part: string): string[] =>
  sites.requests.map(({ line }) => line).filter((line) => line.includes(part));
const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "done",
    (error: unknown) => error,
  );

const SMALL = Object.fromEntries(
  Array.from({ length: 30 }, (_, at) => [`page-${at}.html`, `page ${at}`.repeat(at * 20)]),
);

test("what the server lacks is sent once, equal content once, and then all is live", async () => {
  const plan = await planOf({ ...SMALL, "copy.html": SMALL["page-3.html"] ?? "", "empty.txt": "" });
  const done = await deploy(plan);
  expect(done).toMatchObject({ site: "blog", files: 32, uploaded: 30, live: true });
  expect(done.uploadedBytes).toBe(Object.values(SMALL).join("").length);
  expect(sites.live.get("blog")).toMatchObject({
    "copy.html": SMALL["page-3.html"],
    "empty.txt": "",
  });
  expect([...sites.received.values()].every((times) => times === 1)).toBe(true);
  expect(linesOf("/blobs").length).toBeLessThanOrEqual(4);
});

test("a second deploy with one changed file sends one blob", async () => {
  await deploy(await planOf(SMALL));
  const done = await deploy(await planOf({ "page-7.html": "new" }));
  expect(done).toMatchObject({ files: 30, uploaded: 1, uploadedBytes: 3 });
  expect(await deploy(await planOf({}))).toMatchObject({ uploaded: 0, uploadedBytes: 0 });
});

test("large files travel alone with their length said, small ones as a tar", async () => {
  const large = new Uint8Array(2_500_000).fill(65);
  await deploy(await planOf({ ...SMALL, "large.bin": large }));
  const put = sites.requests.find(({ line }) => line.startsWith("PUT"));
  expect(put?.contentLength).toBe("2500000");
  expect(sites.requests.filter(({ line }) => line.endsWith("/blobs"))).not.toEqual([]);
  expect(sites.live.get("blog")?.["large.bin"]).toHaveLength(2_500_000);
});

test("a single empty file", async () => {
  expect(await deploy(await planOf({ ".nojekyll": "" }))).toMatchObject({
    uploaded: 1,
    uploadedBytes: 0,
  });
});

test("a draft is not released, and the message goes along", async () => {
  const bodies: unknown[] = [];
  const note = async (request: Request, answer: () => Promise<Response>): Promise<Response> => {
    bodies.push(await request.clone().json());
    return answer();
  };
  sites.fail("/deploys", note, 1);
  const done = await deploy({ ...(await planOf({ a: "1" })), draft: true, message: "why" });
  expect(done.live).toBe(false);
  expect(sites.live.get("blog")).toEqual({});
  expect(bodies).toMatchObject([{ draft: true, message: "why" }]);
});

test("a list of 50,000 files goes in parts below a megabyte, and the memory stays small", async () => {
  const files = Array.from({ length: 50_000 }, (_, at) => ({
    path: `folder-with-a-long-name/${"é".repeat(10)}-${at}.html`,
    onDisk: "same",
    sizeBytes: 4,
    stamp: "",
    changedAtMs: 0,
    sha256: Bun.SHA256.hash("same", "hex"),
    secret: undefined,
  }));
  await writeFiles(root.path, { same: "same" });
  Bun.gc(true);
  const before = process.memoryUsage().rss;
  const done = await deploy({ site: "blog", dir: root.path, files });
  // The server of the test, in this process, parses and keeps the list too.
  expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000);
  expect(done).toMatchObject({ files: 50_000, uploaded: 1 });
  const sizes = sites.requests
    .filter(({ line }) => /deploys$|files$/.test(line))
    .map(({ contentLength }) => Number(contentLength));
  expect(sizes.length).toBeGreaterThan(2);
  expect(Math.max(...sizes)).toBeLessThan(1_000_000);
});

test("progress ends with all files and bytes, and never goes past them", async () => {
  const steps: SendProgress[] = [];
  const large = new Uint8Array(1_500_000).fill(66);
  const plan = await planOf({ ...SMALL, "large.bin": large });
  await deploy({ ...plan, onProgress: (step) => void steps.push(step) });
  const last = steps.at(-1);
  expect(last?.doneFiles).toBe(31);
  expect(last?.doneBytes).toBe(last?.totalBytes ?? -1);
  expect(steps.every(({ doneBytes, totalBytes }) => doneBytes <= totalBytes)).toBe(true);
});

describe("broken networks", () => {
  test.each([
    ["503 with Retry-After", () => problemAfter(503, "shutting_down")],
    ["429 with Retry-After", () => problemAfter(429, "rate_limited")],
    ["502 of a proxy", () => new Response("bad gateway", { status: 502 })],
  ])("%s at each step is waited for", async (_, fault) => {
    const slept: number[] = [];
    for (const step of ["POST /sites/blog/deploys", "/blobs", "/finalize"]) sites.fail(step, fault);
    const plan = await planOf({ ...SMALL, "large.bin": new Uint8Array(1_200_000) });
    const done = await deploy(plan, { sleep: async (ms) => void slept.push(ms) });
    expect(done.live).toBe(true);
    expect(slept).toHaveLength(3);
    expect([...sites.received.values()].every((times) => times === 1)).toBe(true);
  });

  test("connections cut at any byte: the end is whole", async () => {
    await assert(
      asyncProperty(array(integer({ min: 1, max: 200_000 }), { maxLength: 12 }), async (cuts) => {
        sites.blobs.clear();
        sites.live.set("blog", { old: "site" });
        const proxy = cuttingProxy(sites.url, (n) => cuts[n - 1] ?? Number.POSITIVE_INFINITY);
        try {
          const plan = await planOf({
            ...SMALL,
            "large.bin": new Uint8Array(1_300_000).fill(67),
          });
          const network = { tries: 20, waitMs: 1e9 };
          const done = await remoteAt(proxy.url, { network }).deploy(plan);
          expect(done.live).toBe(true);
          expect(Object.keys(sites.live.get("blog") ?? {})).toHaveLength(31);
        } finally {
          proxy.stop();
        }
      }),
      { numRuns: 8, endOnFailure: true },
    );
  }, 60_000);

  test("a tar that broke off is not sent whole again", async () => {
    const many = Object.fromEntries(
      Array.from({ length: 40 }, (_, at) => [
        `f${at}`,
        String.fromCharCode(65 + at).repeat(50_000),
      ]),
    );
    const proxy = cuttingProxy(sites.url, (n) => (n === 2 ? 400_000 : Number.POSITIVE_INFINITY));
    const plan = await planOf(many);
    await remoteAt(proxy.url).deploy(plan);
    proxy.stop();
    expect(sites.blobs.size).toBe(40);
    expect(Math.max(...sites.received.values())).toBe(1);
  });

  test("a real server keeps what came of a tar that broke off, and shows one whole deploy", async () => {
    await using server = await testServer();
    const token = await server.register("ada");
    const many = Object.fromEntries(
      Array.from({ length: 60 }, (_, at) => [`f${at}`, String(at).repeat(20_000)]),
    );
    const plan = await planOf({ ...many, "large.bin": new Uint8Array(1_500_000).fill(68) });
    await createRemote({ registry: server.url, token }).createSite("blog");
    const url = parseRegistryUrl(server.url);
    const proxy = cuttingProxy(url, (n) => (n % 2 === 0 ? 150_000 * n : Number.POSITIVE_INFINITY));
    const network = { tries: 20, waitMs: 1e9 };
    const done = await remoteAt(proxy.url, { token, network }).deploy(plan);
    proxy.stop();
    expect(done).toMatchObject({ site: "blog", live: true, files: 61, uploaded: 61 });
    const again = await createRemote({ registry: server.url, token }).deploy(plan);
    expect(again).toMatchObject({ uploaded: 0 });
  });

  test("a server that is not there is `network`, and the site stays", async () => {
    sites.live.set("blog", { old: "site" });
    sites.fail("/blobs", () => new Response("", { status: 503 }), 1000);
    const error = await errorOf(deploy(await planOf(SMALL)));
    expect(error).toMatchObject({ code: "network", exitCode: 13 });
    expect(sites.live.get("blog")).toEqual({ old: "site" });
  });

  test("what the server refuses for good is told at once", async () => {
    sites.fail("/blobs", () => problem(413, "quota_exceeded"), 1000);
    expect(await errorOf(deploy(await planOf(SMALL)))).toMatchObject({ code: "quota_exceeded" });
    expect(linesOf("/blobs").length).toBeLessThanOrEqual(4);
    expect(linesOf("/finalize")).toEqual([]);
  });
});

test("blobs that the server lost before the end are sent anew", async () => {
  sites.fail("/finalize", async (_, answer) => {
    sites.blobs.delete([...sites.blobs.keys()][0] ?? "");
    return answer();
  });
  expect(await deploy(await planOf(SMALL))).toMatchObject({ live: true, uploaded: 31 });
});

test("digests that nobody named are not sent, whatever the server asks for", async () => {
  sites.fail("POST /sites/blog/deploys", async (_, answer) => {
    const begun = (await (await answer()).json()) as { id: string; missing: string[] };
    return Response.json({ ...begun, missing: [...begun.missing, "f".repeat(64)] });
  });
  expect(await deploy(await planOf({ a: "1" }))).toMatchObject({ uploaded: 1 });
});

describe("a file that is no longer what was hashed stops the deploy", () => {
  const large = new Uint8Array(1_500_000).fill(65);
  test.each([
    ["small, other content", "small", () => Bun.write(join(root.path, "small"), "new")],
    ["small, longer", "small", () => Bun.write(join(root.path, "small"), "longer than before")],
    ["small, gone", "small", () => rm(join(root.path, "small"))],
    ["large, other content", "large", () => Bun.write(join(root.path, "large"), large.fill(66))],
    ["large, shorter", "large", () => Bun.write(join(root.path, "large"), "now short")],
    ["large, gone", "large", () => rm(join(root.path, "large"))],
  ])("%s", async (_, path, change) => {
    const plan = await planOf({ small: "old", large: large.fill(65) });
    await change();
    expect(await errorOf(deploy(plan))).toMatchObject({
      code: "deploy_changed",
      message: `Cannot deploy "${path}": it changed or went away while it was sent`,
    });
    expect(linesOf("/finalize")).toEqual([]);
  });
});

test("Ctrl-C in the middle leaves the site as it was, and the next run sends only the rest", async () => {
  sites.live.set("blog", { old: "site" });
  const many = Object.fromEntries(
    Array.from({ length: 12 }, (_, at) => [`f${at}`, new Uint8Array(1_100_000).fill(at)]),
  );
  const plan = await planOf(many);
  const stop = new AbortController();
  const work = deploy(
    { ...plan, onProgress: ({ doneFiles }) => void (doneFiles >= 3 && stop.abort()) },
    { signal: stop.signal },
  );
  expect(await errorOf(work)).toMatchObject({ code: "cancelled", exitCode: 130 });
  expect(sites.live.get("blog")).toEqual({ old: "site" });
  const there = sites.blobs.size;
  expect(there).toBeGreaterThanOrEqual(3);
  const done = await deploy(plan);
  expect(done.live).toBe(true);
  // What was on its way may have arrived after all.
  expect(done.uploaded).toBeLessThanOrEqual(12 - there);
});

function problemAfter(status: number, code: string): Response {
  const response = problem(status, code);
  response.headers.set("retry-after", "1");
  return response;
}
