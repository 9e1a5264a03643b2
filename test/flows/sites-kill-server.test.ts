import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { landBinary } from "../support/binary.ts";
import { cleanEnvironment, land, startLand, temporaryFolder } from "../support/land.ts";
import {
  blobPath,
  deployArgs,
  readWholeBuild,
  signUpByBinary,
  writeBuild,
} from "../support/site.ts";
import { openWire, turns } from "../support/wire.ts";

const ROUNDS = 12;
const SITE = "steady";

/**
 * The server is killed at a moment of a deploy that moves from round to round: at its beginning, within the blobs, at its end.
 * In even rounds the client lives on and must end well by itself, in odd ones it dies too and its deploy is done again.
 */
test("kill -9 of the server in a loop during deploys: the site is one whole deploy, the newest that was acknowledged or the one under way", async () => {
  await using folder = await temporaryFolder("kill-deploys");
  const at = (...path: string[]): string => join(folder.path, ...path);
  const home = at("home");
  await Bun.write(at("home/.keep"), "");
  const data = at("data");
  const start = () => startLand({ data, home, env: { LAND_LOG_LEVEL: "warn" } });
  let server = await start();
  await using wire = await openWire(server.url);
  const env = {
    LAND_REGISTRY: wire.url,
    LAND_TOKEN: await signUpByBinary(server, home),
  };
  const deploy = async (build: string) => {
    const done = await land(deployArgs(SITE, at(build)), { cwd: home, home, env });
    expect(done).toMatchObject({ exitCode: 0 });
  };
  await writeBuild(at("b0"), "b0");
  const before = wire.sentBytes();
  await deploy("b0");
  const whole = wire.sentBytes() - before;
  let served = "b0";
  for (let round = 1; round <= ROUNDS; round += 1) {
    const build = `b${round}`;
    await writeBuild(at(build), build);
    // A third each: what begins the deploy, the blobs, what ends it.
    const within = (share: number): number => Math.floor(share * ((round * 0.381966) % 1));
    const moment = [within(5000), 5000 + within(whole - 6000), whole - 700 + within(700)][
      round % 3
    ];
    const reached = wire.reach(moment ?? 0);
    const child = Bun.spawn([await landBinary(), ...deployArgs(SITE, at(build))], {
      cwd: home,
      env: cleanEnvironment(home, env),
      stdio: ["ignore", "ignore", "pipe"],
    });
    await Promise.race([reached, child.exited]);
    await turns(round * 3);
    await server.end("SIGKILL");
    const dies = round % 2 === 1;
    if (dies) child.kill("SIGKILL");
    wire.cut();
    const staged = new Set(await readdir(join(data, "blobs/staging")));
    server = await start();
    // What is there now is the new server's own: it makes compressed variants.
    const left = await readdir(join(data, "blobs/staging"));
    expect(left.filter((name) => staged.has(name))).toEqual([]);
    const now = await readWholeBuild(server, SITE);
    expect([served, build]).toContain(now);
    wire.lead(server.url);
    const [exitCode, stderr] = await Promise.all([child.exited, child.stderr.text()]);
    if (dies) await deploy(build);
    else expect({ round, exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(await readWholeBuild(server, SITE)).toBe(build);
    served = build;
  }
  expect(await server.end("SIGTERM")).toBe(0);
  await expectWhole(data);
}, 90_000);

/** Every file of every finished deploy is in the store, with the content that it is named by. */
async function expectWhole(data: string): Promise<void> {
  using db = new Database(join(data, "land.db"), { readonly: true });
  const rows = db
    .query<{ digest: string; size: number }, []>(
      "SELECT DISTINCT digest, deploy_files.size_bytes AS size FROM deploy_files JOIN deploys ON deploys.id = deploy_id WHERE state = 'ready'",
    )
    .all();
  expect(rows.length).toBeGreaterThan(ROUNDS * 30);
  for (const { digest, size } of rows) {
    const hex = digest.slice("sha256:".length);
    const bytes = await Bun.file(blobPath(data, hex)).bytes();
    const found = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
    expect([found, bytes.length]).toEqual([hex, size]);
  }
  expect(await readdir(join(data, "blobs/staging"))).toEqual([]);
}
