import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { goodArchive } from "#fixtures/archives.ts";
import { checkData } from "#registry/check.ts";
import { boot } from "#server/boot.ts";

import { land, startLand, temporaryFolder } from "../support/land.ts";

const ROUNDS = 12;

/** Publishes versions one after another until the connection breaks, noting those that were acknowledged. */
async function publishUntilKilled(
  url: string,
  token: string,
  name: string,
  acknowledged: string[],
  tell: () => void,
): Promise<void> {
  for (let n = 0; ; n += 1) {
    const version = `1.${n}.0`;
    const form = new FormData();
    form.set("manifest", JSON.stringify({ name, version }));
    const files = { "data.bin": randomBytes(20_000).toString("base64") };
    form.set("tarball", new Blob([Buffer.from(goodArchive({ name, version, files }))]), "a.tgz");
    try {
      const answer = await fetch(`${url}/api/v1/packages`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
        body: form,
      });
      if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
      await answer.text();
    } catch (error) {
      if (error instanceof Error && /^\d{3} /.test(error.message)) throw error;
      return;
    }
    acknowledged.push(`${name}@${version}`);
    tell();
  }
}

test("kill -9 in a loop during publishes loses nothing that was acknowledged", async () => {
  await using folder = await temporaryFolder("kill");
  const data = join(folder.path, "data");
  const home = folder.path;
  const env = { LAND_RATE_LIMIT: "off", LAND_LOG_LEVEL: "warn" };
  let token = "";
  const acknowledged: string[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await using server = await startLand({ data, home, env });
    if (round === 0) {
      const input = "correct horse battery\n";
      const args = [
        "register",
        "--username",
        "ada",
        "--email",
        "a@example.com",
        "--password-stdin",
      ];
      await land(args, { cwd: home, home, input, env: { LAND_REGISTRY: server.url } });
      const made = await land(["token", "create", "--name", "t", "--scope", "publish", "--json"], {
        cwd: home,
        home,
        env: { LAND_REGISTRY: server.url },
      });
      token = made.json<{ token: string }>().token;
    }
    // The moment of the kill moves: a later version each round, and a few turns of the loop into the next ones.
    const { promise: due, resolve: tellDue } = Promise.withResolvers<void>();
    let left = 3 + round;
    const tell = (): void => void ((left -= 1) === 0 && tellDue());
    const publishers = ["a", "b", "c"].map((name) =>
      publishUntilKilled(server.url, token, `${name}${round}`, acknowledged, tell),
    );
    await due;
    for (let turn = 0; turn < round * 5; turn += 1)
      await new Promise((resolve) => setImmediate(resolve));
    await server.end("SIGKILL");
    await Promise.all(publishers);
  }
  const booted = await boot({
    data,
    flags: {},
    env: {},
    now: () => new Date(),
    random: (bytes) => new Uint8Array(randomBytes(bytes)),
    writeLog: () => undefined,
  });
  try {
    expect(await checkData(booted.ctx)).toEqual([]);
    expect(await readdir(join(data, "blobs/staging"))).toEqual([]);
  } finally {
    await booted.close();
  }
  await using server = await startLand({ data, home, env });
  expect(acknowledged.length).toBeGreaterThan(ROUNDS);
  for (const id of acknowledged) {
    const [name, version] = id.split("@");
    const answer = await fetch(`${server.url}/api/v1/packages/${name}/${version}/download`);
    expect([id, answer.status]).toEqual([id, 200]);
    await answer.bytes();
  }
}, 60_000);
