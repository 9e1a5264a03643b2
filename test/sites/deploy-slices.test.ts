import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";

import { parseJsonBody } from "#http/json.ts";
import { addFiles, createDeploy } from "#sites/deploys/deploy-create.ts";
import { deleteDeploy } from "#sites/deploys/deploy-delete.ts";
import { finalizeDeploy } from "#sites/deploys/deploy-finalize.ts";
import { recordUploads } from "#sites/deploys/upload-record.ts";
import { senderOf } from "#sites/rights.ts";
import { deleteSite } from "#sites/site/sites-delete.ts";

import { listOf, openWorld, type World } from "./deploy-world.ts";

setDefaultTimeout(60_000);

const FILES = 6500;
const contents = Array.from({ length: FILES }, (_, index) => `content ${index}`);
const filesOf = (folder: string) =>
  listOf(
    Object.fromEntries(contents.map((content, index) => [`${folder}/${index}.html`, content])),
  );

let world: World;
beforeAll(async () => {
  world = await openWorld();
  const { ctx, ada } = world;
  const digests = await ctx.blobs.putMany(contents.map((content) => Buffer.from(content)));
  const blobs = digests.map((digest, at) => ({ digest, sizeBytes: contents[at]?.length ?? 0 }));
  await recordUploads(ctx, senderOf(ada.actor), blobs);
});
afterAll(() => world[Symbol.asyncDispose]());

/** How often others had their turn while `work` ran. */
async function turnsOf<T>(work: () => Promise<T>): Promise<{ turns: number; value: T }> {
  let turns = 0;
  let over = false;
  const count = (): void => {
    turns += 1;
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  const value = await work();
  over = true;
  return { turns, value };
}

/** One slice writes 500 files, another reads 500 digests. */
const SLICES = FILES / 500;

test("others have their turn while a long list is read and written, and a deploy is finished and removed", async () => {
  const { ctx, ada } = world;
  const body = JSON.stringify({ files: filesOf("b") });
  const request = new Request("http://127.0.0.1/", { method: "POST", body });
  expect((await turnsOf(() => parseJsonBody({ request }))).turns).toBeGreaterThan(10);

  const begun = await turnsOf(() => createDeploy(ctx, ada.actor, "blog", { files: filesOf("a") }));
  expect(begun.turns).toBeGreaterThan(2 * SLICES);
  const { id } = begun.value;
  const added = await turnsOf(() => addFiles(ctx, ada.actor, "blog", id, { files: filesOf("b") }));
  expect(added.turns).toBeGreaterThan(2 * SLICES);
  const done = await turnsOf(() => finalizeDeploy(ctx, ada.actor, "blog", id, { release: false }));
  expect(done.turns).toBeGreaterThan(SLICES);
  expect(done.value.files).toBe(2 * FILES);
  const gone = await turnsOf(() => deleteDeploy(ctx, ada.actor, "blog", id));
  expect(gone.turns).toBeGreaterThan(SLICES);
});

test("others have their turn while a site is removed", async () => {
  const { ctx, ada } = world;
  const { id } = await createDeploy(ctx, ada.actor, "blog", { files: filesOf("a") });
  await finalizeDeploy(ctx, ada.actor, "blog", id);
  const gone = await turnsOf(() => deleteSite(ctx, ada.actor, "blog"));
  expect(gone.turns).toBeGreaterThan(2 * SLICES);
});
