import { expect, test } from "bun:test";
import { join } from "node:path";

import { temporaryFolder } from "#test/support/land.ts";

import { writeMmdb } from "./mmdb.ts";
import { itemsOf, openWorld } from "./world.ts";

const DATABASE = writeMmdb([
  { network: "192.0.2.0/24", country: "NO" },
  { network: "198.51.100.0/24", country: "no such" },
  { network: "2001:db8::/32", country: "SE" },
]);

async function worldWith(bytes: Uint8Array | undefined) {
  const folder = await temporaryFolder("countries");
  const file = join(folder.path, "countries.mmdb");
  if (bytes) await Bun.write(file, bytes);
  const world = await openWorld({ "traffic.countries": file });
  return {
    ...world,
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test("countries are counted where the operator gave a database", async () => {
  await using world = await worldWith(DATABASE);
  world.visit({ address: () => "192.0.2.1" });
  world.visit({ address: () => "192.0.2.200" });
  world.visit({ address: () => "::ffff:192.0.2.3" });
  world.visit({ address: () => "2001:db8:17::1" });
  world.visit({ address: () => "198.51.100.1" });
  world.visit({ address: () => "203.0.113.1" });
  world.visit({ address: () => "not an address" });
  world.visit({ address: () => "192.0.2.9", userAgent: "curl/8" });
  await world.traffic.flush();
  const items = await itemsOf(world.ctx, 1);
  const countries = Object.entries(items).filter(([item]) => item.startsWith("country "));
  expect(Object.fromEntries(countries)).toEqual({
    "country NO": [3, 300],
    "country SE": [1, 100],
  });
  expect(world.ctx.logged.join("")).not.toContain("countries");
});

test.each([
  ["is missing", undefined],
  ["is empty", new Uint8Array()],
  ["is something else", Buffer.from("<html>".repeat(1000))],
  ["is cut off", DATABASE.subarray(0, DATABASE.length - 40)],
])("a database that %s is told in the log, and all else is counted", async (_, bytes) => {
  await using world = await worldWith(bytes);
  world.visit({ address: () => "192.0.2.1" });
  await world.traffic.flush();
  expect(Object.keys(await itemsOf(world.ctx, 1))).toEqual(["path /", "status 200"]);
  const told = world.ctx.logged.filter((line) => line.includes("countries not recorded"));
  expect(told).toHaveLength(1);
  expect(told[0]).toContain('"level":"warn"');
  expect(told[0]).toContain("countries.mmdb");
});

test("a database that is broken inside breaks nothing else", async () => {
  const broken = Buffer.from(DATABASE);
  broken.fill(0xff, 40 * 6, broken.length - 220);
  await using world = await worldWith(broken);
  for (let n = 0; n < 50; n += 1) world.visit({ address: () => `192.0.2.${n}` });
  world.visit({ address: () => "2001:db8::1" });
  await world.traffic.flush();
  expect((await itemsOf(world.ctx, 1))["path /"]?.[0]).toBe(51);
});
