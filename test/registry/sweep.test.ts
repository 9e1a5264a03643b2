import { afterEach, beforeEach, expect, test } from "bun:test";

import { parseDigest } from "#base/names.ts";
import { checkData } from "#registry/check.ts";
import { referencedDigests } from "#registry/references.ts";
import { sweepBlobs } from "#store/sweep.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { codeOf, type Person, signUp } from "#test/support/people.ts";

import { partsOf, put } from "./uploads.ts";

const HOUR_MS = 3_600_000;
let ctx: TestCtx;
let ada: Person;
beforeEach(async () => {
  ctx = await testCtx({ config: { registration: "open" } });
  ada = await signUp(ctx, "ada");
});
afterEach(() => ctx.close());

const sweep = (on = ctx) => sweepBlobs(on, [referencedDigests]);
const keep = async (bytes: Uint8Array) => {
  const staged = await ctx.blobs.stage(new Blob([Uint8Array.from(bytes)]).stream(), 1_000_000);
  await staged.commit();
  return staged.digest;
};

test("only what nothing references and nobody touched for a day goes", async () => {
  const { digest } = await put(ctx, ada, {});
  const orphan = await keep(Buffer.from("orphan"));
  expect(await sweep()).toEqual({ removed: 0, freedBytes: 0 });
  ctx.pass(23 * HOUR_MS);
  expect(await sweep()).toEqual({ removed: 0, freedBytes: 0 });
  ctx.pass(HOUR_MS);
  expect(await sweep()).toEqual({ removed: 1, freedBytes: 6 });
  expect(await ctx.blobs.has(orphan)).toBe(false);
  expect(await Array.fromAsync(ctx.blobs.list())).toMatchObject([{ digest }]);
});

test("bytes put again are young again", async () => {
  const orphan = await keep(Buffer.from("orphan"));
  ctx.pass(30 * HOUR_MS);
  await keep(Buffer.from("orphan"));
  expect(await sweep()).toEqual({ removed: 0, freedBytes: 0 });
  expect(await ctx.blobs.has(orphan)).toBe(true);
});

test("bytes put again after they were listed stay", async () => {
  const orphan = await keep(Buffer.from("orphan"));
  ctx.pass(30 * HOUR_MS);
  async function* list() {
    yield* ctx.blobs.list();
    await keep(Buffer.from("orphan"));
  }
  expect(await sweep({ ...ctx, blobs: { ...ctx.blobs, list } })).toEqual({
    removed: 0,
    freedBytes: 0,
  });
  expect(await ctx.blobs.has(orphan)).toBe(true);
});

test("more orphans than one batch all go", async () => {
  await put(ctx, ada, {});
  for (let n = 0; n < 250; n += 1) await keep(Buffer.from(`orphan ${n}`));
  ctx.pass(48 * HOUR_MS);
  expect((await sweep()).removed).toBe(250);
  expect(await checkData(ctx)).toEqual([]);
});

test("a publish and a sweep without grace never leave a row without bytes", async () => {
  const eager = { ...ctx, config: { ...ctx.config, "sweep.graceHours": 0 } };
  for (let n = 0; n < 30; n += 1) {
    const about = { version: `1.${n}.0` };
    await keep(partsOf(about).bytes);
    const publishing = codeOf(() => put(ctx, ada, about));
    const done = publishing.then(() => true);
    while (!(await Promise.race([done, sweep(eager).then(() => false)])));
    const code = await publishing;
    expect(["done", "upload_lost"]).toContain(code);
  }
  expect(await checkData(ctx)).toEqual([]);
});

test("the check names what is broken", async () => {
  const { digest } = await put(ctx, ada, {});
  const file = await ctx.blobs.find(parseDigest(digest));
  await file?.write("other");
  expect(await checkData(ctx)).toMatchObject([{ what: "left@1.0.0" }]);
  await file?.delete();
  expect(await checkData(ctx)).toMatchObject([
    { what: "left@1.0.0", problem: expect.stringContaining("is not on disk") },
  ]);
});
