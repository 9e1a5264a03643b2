import { expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { temporaryFolder } from "#test/support/land.ts";
import { testServer } from "#test/support/server.ts";
import { writeMmdb } from "#test/traffic/mmdb.ts";

import { listOf, tarOf } from "./deploy-world.ts";

test("rules for countries hold where the operator gave a database, each time anew", async () => {
  await using folder = await temporaryFolder("countries");
  const file = join(folder.path, "countries.mmdb");
  await writeFile(file, writeMmdb([{ network: "127.1.0.0/16", country: "DE" }]));
  await using server = await testServer({
    LAND_TRAFFIC_COUNTRIES: file,
    LAND_TRUSTED_PROXIES: "127.0.0.1",
  });
  const token = await server.register("ada");
  await server.call("POST", "/sites", { token, body: { name: "blog" } });
  const files = {
    "index.html": "home",
    "de.html": "Heim",
    _redirects: "/ /de.html 200! Country=de",
  };
  const begun = await server.call<{ id: string }>("POST", "/sites/blog/deploys", {
    token,
    body: { files: listOf(files) },
  });
  const path = `/sites/blog/deploys/${begun.value.id}`;
  await fetch(`${server.url}/api/v1${path}/blobs`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: tarOf(Object.values(files)),
  });
  const done = await server.call("POST", `${path}/finalize`, { token, body: {} });
  expect(done.value).toMatchObject({ live: true, warnings: [] });
  const host = `blog.localhost:${new URL(server.url).port}`;
  const from = async (address: string) => {
    const answer = await fetch(server.url, { headers: { host, "x-forwarded-for": address } });
    return answer.text();
  };
  for (let round = 0; round < 2; round += 1) {
    expect(await from("127.1.0.9")).toBe("Heim");
    expect(await from("127.2.0.9")).toBe("home");
  }
});
