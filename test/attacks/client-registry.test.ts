import { expect, test } from "bun:test";
import { readdir } from "node:fs/promises";

import { installWorld } from "../install/world.ts";

const INDEX = { "content-type": "application/x-ndjson" };
const line = (more: object): string =>
  JSON.stringify({ v: "1.0.0", digest: `sha256:${"a".repeat(64)}`, size: 10, ...more });

test("an index nested by the million is refused without the gigabytes that parsing it takes", async () => {
  await using world = await installWorld();
  await world.project("app", { left: "*" });
  for (const text of ["[".repeat(20_000_000), `{"v":${"[".repeat(200_000)}`]) {
    world.registry.fail("/index/", () => new Response(text, { headers: INDEX }));
    const before = process.memoryUsage.rss();
    expect(await world.refusal("app")).toMatchObject({
      code: "bad_answer",
      exitCode: 13,
      message: expect.stringContaining("nested too deep"),
    });
    expect(process.memoryUsage.rss() - before).toBeLessThan(500_000_000);
  }
}, 20_000);

test("a size that a registry tells does not lift what a download may bring", async () => {
  await using world = await installWorld();
  await world.project("app", { left: "*" });
  const told = line({ size: Number.MAX_SAFE_INTEGER });
  world.registry.fail("/index/", () => new Response(told, { headers: INDEX }));
  const piece = new Uint8Array(4_000_000);
  const endless = () =>
    new Response(new ReadableStream({ pull: (stream) => stream.enqueue(piece) }), {
      headers: { "content-type": "application/gzip" },
    });
  world.registry.fail("/download", endless);
  expect(await world.refusal("app")).toMatchObject({
    code: "bad_answer",
    message: expect.stringContaining("larger than 100000000 bytes"),
  });
  expect(await readdir(world.at("home/store/v1/tmp")).catch(() => [])).toEqual([]);
}, 30_000);

test("not modified is no answer to a question without a tag", async () => {
  await using world = await installWorld();
  await world.project("app", { left: "*" });
  world.registry.fail("/index/", () => new Response(null, { status: 304 }));
  expect(await world.refusal("app")).toMatchObject({ code: "bad_answer" });
});
