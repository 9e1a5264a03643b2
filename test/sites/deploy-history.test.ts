import { expect, test } from "bun:test";

import { createDeploy } from "#sites/deploys/deploy-create.ts";
import { deleteDeploy } from "#sites/deploys/deploy-delete.ts";
import { diffDeploys } from "#sites/deploys/deploy-diff.ts";
import { listDeployFiles } from "#sites/deploys/deploy-files.ts";
import { finalizeDeploy } from "#sites/deploys/deploy-finalize.ts";
import { listDeploys } from "#sites/deploys/deploy-list.ts";
import { openDeployFile } from "#sites/deploys/deploy-open.ts";
import { readDeploy } from "#sites/deploys/deploy-read.ts";
import { listReleases } from "#sites/deploys/release-list.ts";
import { rollback } from "#sites/deploys/rollback.ts";
import { readSite } from "#sites/site/sites-read.ts";
import { codeOf, makeToken } from "#test/support/people.ts";

import { deploy, listOf, openWorld, sha256, upload } from "./deploy-world.ts";

const PAGE = { limit: 100, cursor: undefined };
const ONE = { "index.html": "one" };

test("a draft is not released, is promoted by name, and is then a draft no more", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const live = await deploy(ctx, ada, "blog", ONE);
  const draft = await deploy(ctx, ada, "blog", { "index.html": "draft" }, { draft: true });
  expect(draft.live).toBe(false);
  expect((await readSite(ctx, ada.actor, "blog")).live?.id).toBe(live.id);
  expect(await rollback(ctx, ada.actor, "blog", { deploy: draft.id })).toMatchObject({
    id: draft.id,
    live: true,
  });
  expect(await readDeploy(ctx, ada.actor, "blog", draft.id)).toMatchObject({ draft: false });
  expect(await rollback(ctx, ada.actor, "blog", {})).toMatchObject({ id: live.id });
});

test("a finished deploy that was not released is, when asked again", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const { id } = await upload(ctx, ada, "blog", ONE);
  expect((await finalizeDeploy(ctx, ada.actor, "blog", id, { release: false })).live).toBe(false);
  expect((await finalizeDeploy(ctx, ada.actor, "blog", id, { release: true })).live).toBe(true);
});

test("rollback goes back by first release, one step at a time, and ends", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  expect(await codeOf(() => rollback(ctx, ada.actor, "blog", {}))).toBe("no_earlier_deploy");
  const ids: string[] = [];
  for (const n of [1, 2, 3]) ids.push((await deploy(ctx, ada, "blog", { "i.html": `${n}` })).id);
  expect((await rollback(ctx, ada.actor, "blog", {})).id).toBe(ids[1] ?? "");
  expect((await rollback(ctx, ada.actor, "blog", {})).id).toBe(ids[0] ?? "");
  expect(await codeOf(() => rollback(ctx, ada.actor, "blog", {}))).toBe("no_earlier_deploy");
  expect((await rollback(ctx, ada.actor, "blog", { deploy: ids[2] ?? "" })).live).toBe(true);
  expect((await rollback(ctx, ada.actor, "blog", {})).id).toBe(ids[1] ?? "");
  expect(await codeOf(() => rollback(ctx, ada.actor, "blog", { deploy: "nothere000" }))).toBe(
    "deploy_not_found",
  );
  const unfinished = await createDeploy(ctx, ada.actor, "blog", { files: listOf(ONE) });
  expect(await codeOf(() => rollback(ctx, ada.actor, "blog", { deploy: unfinished.id }))).toBe(
    "invalid_input",
  );
});

test("the history tells who, by which key and when, and every release", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const key = await makeToken(ctx, ada, "deploy:blog");
  const first = await deploy(ctx, ada, "blog", ONE);
  ctx.pass(1000);
  const second = await deploy(ctx, key, "blog", { "index.html": "two" });
  ctx.pass(1000);
  await rollback(ctx, key.actor, "blog", {});
  const { items } = await listDeploys(ctx, ada.actor, "blog", PAGE);
  expect(items).toMatchObject([
    { id: second.id, createdBy: "ada", key: "test", live: false },
    { id: first.id, createdBy: "ada", key: null, live: true },
  ]);
  expect((await listReleases(ctx, ada.actor, "blog", PAGE)).items).toMatchObject([
    { deploy: first.id, by: "ada", key: "test", at: "2026-03-01T12:00:02.000Z" },
    { deploy: second.id, by: "ada", key: "test" },
    { deploy: first.id, by: "ada", key: null },
  ]);
  const page = await listReleases(ctx, ada.actor, "blog", { limit: 2, cursor: undefined });
  expect(page.next).not.toBeNull();
});

test("files by page, the difference of two deploys, and one file to save", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const before = await deploy(ctx, ada, "blog", { "a.txt": "a", "b.txt": "b", "c.txt": "c" });
  const after = await deploy(ctx, ada, "blog", { "b.txt": "B", "c.txt": "c", "d.txt": "d" });
  const part = await listDeployFiles(ctx, ada.actor, "blog", after.id, {
    limit: 2,
    cursor: undefined,
  });
  expect(part.items.map(({ path }) => path)).toEqual(["b.txt", "c.txt"]);
  const rest = await listDeployFiles(ctx, ada.actor, "blog", after.id, {
    limit: 2,
    cursor: ["c.txt"],
  });
  expect(rest).toEqual({
    items: [{ path: "d.txt", sha256: sha256("d"), sizeBytes: 1 }],
    next: null,
  });
  expect(await diffDeploys(ctx, ada.actor, "blog", { to: after.id })).toEqual({
    from: before.id,
    to: after.id,
    added: ["d.txt"],
    changed: ["b.txt"],
    removed: ["a.txt"],
    total: { added: 1, changed: 1, removed: 1, unchanged: 1 },
  });
  expect(await diffDeploys(ctx, ada.actor, "blog", { to: before.id })).toMatchObject({
    from: null,
    total: { added: 3, unchanged: 0 },
  });
  const offer = await openDeployFile(ctx, ada.actor, "blog", after.id, "b.txt");
  expect(await offer.file.text()).toBe("B");
  expect(await codeOf(() => openDeployFile(ctx, ada.actor, "blog", after.id, "a.txt"))).toBe(
    "not_found",
  );
});

test("the live deploy stays, another one goes with what only it held", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const old = await deploy(ctx, ada, "blog", { "a.txt": "aaaa", "b.txt": "b" });
  const live = await deploy(ctx, ada, "blog", { "b.txt": "b" });
  expect(await codeOf(() => deleteDeploy(ctx, ada.actor, "blog", live.id))).toBe("deploy_live");
  await deleteDeploy(ctx, ada.actor, "blog", old.id);
  expect((await readSite(ctx, ada.actor, "blog")).usedBytes).toBe(1);
  expect(await codeOf(() => readDeploy(ctx, ada.actor, "blog", old.id))).toBe("deploy_not_found");
});
