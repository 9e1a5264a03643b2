import { expect, test } from "bun:test";

import { referencedDigests } from "#registry/references.ts";
import { createDeploy } from "#sites/deploys/deploy-create.ts";
import { finalizeDeploy } from "#sites/deploys/deploy-finalize.ts";
import { listDeploys } from "#sites/deploys/deploy-list.ts";
import { siteDigests } from "#sites/deploys/references.ts";
import { listReleases } from "#sites/deploys/release-list.ts";
import { keepRecent } from "#sites/deploys/retention.ts";
import { rollback } from "#sites/deploys/rollback.ts";
import { createSite } from "#sites/site/sites-create.ts";
import { deleteSite } from "#sites/site/sites-delete.ts";
import { readSite } from "#sites/site/sites-read.ts";
import type { Ctx } from "#store/ctx.ts";
import { sweepBlobs } from "#store/sweep.ts";
import { codeOf } from "#test/support/people.ts";

import { deploy, listOf, openWorld, sha256, upload } from "./deploy-world.ts";

const HOUR_MS = 3_600_000;
const PAGE = { limit: 100, cursor: undefined };
const sweep = (ctx: Ctx) => sweepBlobs(ctx, [referencedDigests, siteDigests]);

async function blobsOf(ctx: Ctx): Promise<string[]> {
  const listed = await Array.fromAsync(ctx.blobs.list());
  return listed.map(({ digest }) => digest.slice("sha256:".length)).toSorted();
}
const addresses = (...contents: string[]) => contents.map((content) => sha256(content)).toSorted();

test("the newest released deploys are kept, the live one always, and their blobs with them", async () => {
  await using world = await openWorld({ "sites.keepDeploys": 3 });
  const { ctx, ada } = world;
  const ids: string[] = [];
  for (let n = 0; n < 6; n += 1) {
    ids.push((await deploy(ctx, ada, "blog", { "n.txt": `content ${n}`, "same.txt": "same" })).id);
    ctx.pass(1000);
  }
  await rollback(ctx, ada.actor, "blog", { deploy: ids[0] ?? "" });
  expect(await keepRecent(ctx)).toEqual({ deploys: 3, uploads: 0, names: 0 });
  const kept = (await listDeploys(ctx, ada.actor, "blog", PAGE)).items.map(({ id }) => id);
  expect(kept).toEqual([ids[5], ids[4], ids[0]].map(String));
  expect((await readSite(ctx, ada.actor, "blog")).usedBytes).toBe(3 * 9 + 4);
  const history = (await listReleases(ctx, ada.actor, "blog", PAGE)).items;
  expect(history.every((one) => kept.includes(one.deploy))).toBe(true);
  ctx.pass(25 * HOUR_MS);
  expect(await sweep(ctx)).toMatchObject({ removed: 3 });
  expect(await blobsOf(ctx)).toEqual(addresses("content 0", "content 4", "content 5", "same"));
  expect(await keepRecent(ctx)).toMatchObject({ deploys: 0, uploads: 7 });
});

test("drafts go when their days are over, unfinished deploys with the sweep's grace", async () => {
  await using world = await openWorld({ "sites.draftDays": 2 });
  const { ctx, ada } = world;
  await deploy(ctx, ada, "blog", { "i.html": "live" });
  const draft = await deploy(ctx, ada, "blog", { "i.html": "draft" }, { draft: true });
  const cut = await upload(ctx, ada, "blog", { "i.html": "unfinished" });
  ctx.pass(23 * HOUR_MS);
  expect(await keepRecent(ctx)).toMatchObject({ deploys: 0 });
  ctx.pass(2 * HOUR_MS);
  expect(await keepRecent(ctx)).toMatchObject({ deploys: 1 });
  expect(await codeOf(() => finalizeDeploy(ctx, ada.actor, "blog", cut.id))).toBe(
    "deploy_not_found",
  );
  ctx.pass(24 * HOUR_MS);
  expect(await keepRecent(ctx)).toMatchObject({ deploys: 1 });
  expect(await codeOf(() => rollback(ctx, ada.actor, "blog", { deploy: draft.id }))).toBe(
    "deploy_not_found",
  );
  await sweep(ctx);
  expect(await blobsOf(ctx)).toEqual(addresses("live"));
});

test("an unfinished deploy keeps what it names, even what was there long before", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const old = await deploy(ctx, ada, "blog", { "i.html": "old" }, { draft: true });
  ctx.pass(29 * 24 * HOUR_MS);
  await deploy(ctx, ada, "blog", { "i.html": "live" });
  ctx.pass(23 * HOUR_MS);
  const begun = await createDeploy(ctx, ada.actor, "blog", { files: listOf({ "x.html": "old" }) });
  expect(begun.missing).toEqual([]);
  ctx.pass(2 * HOUR_MS);
  expect(await keepRecent(ctx)).toMatchObject({ deploys: 1 });
  expect(await codeOf(() => rollback(ctx, ada.actor, "blog", { deploy: old.id }))).toBe(
    "deploy_not_found",
  );
  expect(await sweep(ctx)).toMatchObject({ removed: 0 });
  // Its account proved long ago that it had the bytes; now it must send them again.
  expect(await codeOf(() => finalizeDeploy(ctx, ada.actor, "blog", begun.id))).toBe(
    "deploy_incomplete",
  );
});

test("what is made of a file in another coding goes with the file, also when the site is removed", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  await createSite(ctx, ada.actor, { name: "other" });
  for (const site of ["blog", "other"]) await deploy(ctx, ada, site, { "i.html": "source" });
  const [variant] = await ctx.blobs.putMany([Buffer.from("packed")]);
  const { variants } = await import("../../src/sites/tables.ts");
  const source = (await Array.fromAsync(ctx.blobs.list())).find(({ sizeBytes }) => sizeBytes === 6);
  if (!variant || !source) throw new Error("no blobs");
  const digest = variant === source.digest ? variant : source.digest;
  await ctx.db.transaction((tx) =>
    tx.insert(variants).values([
      {
        digest: `sha256:${sha256("source")}` as typeof digest,
        encoding: "br",
        variant,
        sizeBytes: 6,
        best: true,
      },
    ]),
  );
  ctx.pass(48 * HOUR_MS);
  await keepRecent(ctx);
  await sweep(ctx);
  expect(await blobsOf(ctx)).toEqual(addresses("source", "packed"));
  await deleteSite(ctx, ada.actor, "blog");
  await sweep(ctx);
  expect(await blobsOf(ctx)).toEqual(addresses("source", "packed"));
  await deleteSite(ctx, ada.actor, "other");
  expect(await ctx.db.read.select().from(variants)).toEqual([]);
  await sweep(ctx);
  expect(await blobsOf(ctx)).toEqual([]);
});

test("deploys and a sweep without grace never leave a deploy without bytes", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const eager = { ...ctx, config: { ...ctx.config, "sweep.graceHours": 0 } };
  for (let n = 0; n < 15; n += 1) {
    const files = { "n.txt": `content ${n}`, "same.txt": "same" };
    await ctx.blobs.putMany([Buffer.from("same"), Buffer.from(`content ${n}`)]);
    const deploying = codeOf(() => deploy(ctx, ada, "blog", files));
    const done = deploying.then(() => true);
    while (!(await Promise.race([done, sweep(eager).then(() => false)])));
    expect(await deploying).toBe("done");
    const held = await blobsOf(ctx);
    for (const content of Object.values(files)) expect(held).toContain(sha256(content));
  }
});
