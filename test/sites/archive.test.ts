import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";

import { gzipped, rawTar } from "#fixtures/tar.ts";
import { descriptorOf, rawZip } from "#fixtures/zip.ts";
import { listDeployFiles } from "#sites/deploys/deploy-files.ts";
import { listDeploys } from "#sites/deploys/deploy-list.ts";
import type { Finalized } from "#sites/model.ts";
import { listSites, readSite } from "#sites/site/sites-read.ts";
import { makeToken, type Person } from "#test/support/people.ts";

import { openWorld, type World } from "./deploy-world.ts";
import { hostileUploads } from "./hostile-uploads.ts";

const PAGE = { limit: 100, cursor: undefined };

async function send(
  { call }: World,
  bytes: Uint8Array,
  fields: Record<string, string> = { site_name: "blog" },
  as?: Person,
): Promise<{ status: number; value: Finalized & { code?: string; data?: { entry?: string } } }> {
  const form = new FormData();
  form.set("file", new Blob([Uint8Array.from(bytes)]), "site.zip");
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  const answer = await call("POST", "/api/deploy", { body: form, ...(as && { as }) });
  return { status: answer.status, value: JSON.parse(await answer.text()) };
}

async function pathsOf({ ctx, ada }: World, site: string, id: string): Promise<string[]> {
  const { items } = await listDeployFiles(ctx, ada.actor, site, id, PAGE);
  return items.map(({ path }) => path);
}

const FILES = [
  { name: "index.html", content: "hello" },
  { name: "a/b.txt", content: "text" },
];

test("a zip and a tar.gz of the same files give the same site", async () => {
  await using world = await openWorld();
  for (const bytes of [rawZip(FILES), gzipped(rawTar(FILES))]) {
    const { status, value } = await send(world, bytes);
    expect(status).toBe(200);
    expect(value).toMatchObject({ site: "blog", live: true, files: 2, sizeBytes: 9 });
    expect(await pathsOf(world, "blog", value.id)).toEqual(["a/b.txt", "index.html"]);
  }
  const { items } = await listDeploys(world.ctx, world.ada.actor, "blog", PAGE);
  expect(items.map(({ source }) => source)).toEqual(["archive", "archive"]);
  expect(await readdir(`${world.ctx.config.data}/blobs/staging`)).toEqual([]);
});

test("a common top folder, ./, folders and what tools leave are taken off", async () => {
  await using world = await openWorld();
  const names = [
    "dist/",
    "dist/index.html",
    "dist/.well-known/x",
    "dist/.git/config",
    "dist/.env.local",
    "dist/key.pem",
    "dist/.landignore",
    "dist/land.lock",
    "dist/node_modules/a/b.js",
    "dist/.DS_Store",
    "__MACOSX/dist/._index.html",
  ];
  const wanted = [".well-known/x", "index.html"];
  const zip = await send(
    world,
    rawZip(names.map((name) => ({ name, content: name.endsWith("/") ? "" : name }))),
  );
  expect(await pathsOf(world, "blog", zip.value.id)).toEqual(wanted);
  const entries = ["./", "./dist/index.html", "./dist/.well-known/x", "./dist/.npmrc"];
  const tar = await send(
    world,
    gzipped(
      rawTar(
        entries.map((name) => (name.endsWith("/") ? { name, type: "5" } : { name, content: name })),
      ),
    ),
  );
  expect(await pathsOf(world, "blog", tar.value.id)).toEqual(wanted);
});

test("a folder that is a part of the site stays: two of them, or .well-known alone", async () => {
  await using world = await openWorld();
  const two = await send(
    world,
    rawZip([
      { name: "a/x.txt", content: "1" },
      { name: "b/x.txt", content: "2" },
    ]),
  );
  expect(await pathsOf(world, "blog", two.value.id)).toEqual(["a/x.txt", "b/x.txt"]);
  const one = await send(world, rawZip([{ name: ".well-known/x", content: "1" }]));
  expect(await pathsOf(world, "blog", one.value.id)).toEqual([".well-known/x"]);
});

test("a zip with data descriptors that tell the truth, as Finder writes them, is taken", async () => {
  await using world = await openWorld();
  const content = "streamed content";
  const descriptor = descriptorOf(content);
  const local = { crc: 0, size: 0, packedSize: 0 };
  for (const bytes of [descriptor, descriptor.subarray(4)]) {
    const zip = rawZip([
      { name: "index.html", content, flags: 8, descriptor: bytes, local },
      { name: "b", content },
    ]);
    expect((await send(world, zip)).value).toMatchObject({ files: 2 });
  }
});

test("names are case-sensitive", async () => {
  await using world = await openWorld();
  const { value } = await send(
    world,
    rawZip([
      { name: "a.txt", content: "1" },
      { name: "A.txt", content: "2" },
    ]),
  );
  expect(await pathsOf(world, "blog", value.id)).toEqual(["A.txt", "a.txt"]);
});

test("a site that is free is made, a draft stays one, a message is kept", async () => {
  await using world = await openWorld();
  const { ctx, bob } = world;
  const fields = { site_name: "fresh", message: "by curl", draft: "true" };
  const { status, value } = await send(world, rawZip(FILES), fields, bob);
  expect([status, value.live]).toEqual([200, false]);
  expect((await listDeploys(ctx, bob.actor, "fresh", PAGE)).items).toMatchObject([
    { message: "by curl", draft: true, createdBy: "bob" },
  ]);
});

test("nobody takes another's site, and a key makes none", async () => {
  await using world = await openWorld();
  const { ctx, ada, bob } = world;
  expect((await send(world, rawZip(FILES), { site_name: "blog" }, bob)).value.code).toBe(
    "site_taken",
  );
  const key = await makeToken(ctx, ada, "deploy:blog");
  expect((await send(world, rawZip(FILES), { site_name: "blog" }, key)).status).toBe(200);
  expect((await send(world, rawZip(FILES), { site_name: "free" }, key)).value.code).toBe(
    "site_not_found",
  );
  const reader = await makeToken(ctx, ada, "read");
  expect((await send(world, rawZip(FILES), { site_name: "blog" }, reader)).value.code).toBe(
    "scope_missing",
  );
});

test("a form without what is needed, and limits", async () => {
  await using world = await openWorld({
    "sites.files": 3,
    "sites.fileBytes": 2000,
    "sites.deployBytes": 4000,
  });
  expect((await send(world, rawZip(FILES), {})).value.code).toBe("invalid_input");
  expect((await send(world, rawZip(FILES), { site_name: "Bad Name" })).value.code).toBe(
    "name_invalid",
  );
  expect((await send(world, rawZip(FILES), { site_name: "blog", draft: "maybe" })).value.code).toBe(
    "invalid_input",
  );
  const many = ["a", "b", "c", "d"].map((name) => ({ name, content: name }));
  const large = [{ name: "large", content: "x".repeat(2001) }];
  const all = ["a", "b", "c"].map((name) => ({ name, content: name.repeat(1500) }));
  for (const entries of [many, large, all])
    for (const bytes of [rawZip(entries), gzipped(rawTar(entries))]) {
      const { status, value } = await send(world, bytes);
      expect([status, value.code]).toEqual([413, "archive_too_large"]);
    }
});

describe("a hostile upload is refused, and leaves the site as it was", () => {
  let world: World;
  let live: string;
  beforeAll(async () => {
    world = await openWorld();
    live = (await send(world, rawZip(FILES))).value.id;
  });
  afterAll(() => world[Symbol.asyncDispose]());
  for (const { name, bytes, code, entry } of hostileUploads())
    test(name, async () => {
      const { value } = await send(world, bytes());
      expect(value.code).toBe(code);
      if (entry !== undefined) expect(value.data?.entry).toBe(entry);
      const { ctx, ada } = world;
      expect((await readSite(ctx, ada.actor, "blog")).live?.id).toBe(live);
      expect((await listDeploys(ctx, ada.actor, "blog", PAGE)).items).toHaveLength(1);
      expect(await readdir(`${ctx.config.data}/blobs/staging`)).toEqual([]);
    });
});

test("a hostile upload to a free name makes no site", async () => {
  await using world = await openWorld();
  await send(world, rawZip([{ name: "../x", content: "x" }]), { site_name: "fresh" });
  const { items } = await listSites(world.ctx, world.ada.actor, PAGE);
  expect(items.map(({ name }) => name)).toEqual(["blog"]);
});
