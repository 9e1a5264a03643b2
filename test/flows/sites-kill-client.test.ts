import { expect, test } from "bun:test";
import { join } from "node:path";

import { landBinary } from "../support/binary.ts";
import {
  cleanEnvironment,
  land,
  type LandServer,
  startLand,
  type TemporaryFolder,
  temporaryFolder,
} from "../support/land.ts";
import {
  askSite,
  deployArgs,
  readWholeBuild,
  signUpByBinary,
  writeBuild,
} from "../support/site.ts";
import { openWire, turns, type Wire } from "../support/wire.ts";

const ROUNDS = 12;
const SITE = "patient";

/** A server with one build of a site, and a wire to it that tells how far a deploy is. */
async function openScene(folder: TemporaryFolder, server: LandServer, wire: Wire) {
  const home = join(folder.path, "home");
  await Bun.write(join(home, ".keep"), "");
  const env = {
    LAND_REGISTRY: wire.url,
    LAND_TOKEN: await signUpByBinary(server, home),
  };
  const at = (build: string): string => join(folder.path, build);
  const prepare = async (build: string): Promise<string> => {
    await writeBuild(at(build), build);
    return at(build);
  };
  return {
    prepare,
    deploy: async (build: string) => {
      const done = await land(deployArgs(SITE, at(build)), { cwd: home, home, env });
      expect(done).toMatchObject({ exitCode: 0 });
      return done.json<{ uploaded: number; files: number }>();
    },
    begin: async (build: string) =>
      Bun.spawn([await landBinary(), ...deployArgs(SITE, at(build))], {
        cwd: home,
        env: cleanEnvironment(home, env),
        stdio: ["ignore", "pipe", "pipe"],
      }),
  };
}

test("kill -9 of the client at any moment leaves the site whole, and the next deploy sends only the rest", async () => {
  await using folder = await temporaryFolder("kill-client");
  await using server = await startLand({ data: join(folder.path, "data"), home: folder.path });
  await using wire = await openWire(server.url);
  const { prepare, deploy, begin } = await openScene(folder, server, wire);
  await prepare("c0");
  const before = wire.sentBytes();
  const first = await deploy("c0");
  const whole = wire.sentBytes() - before;
  const blobs = first.uploaded - 1;
  let served = "c0";
  let resumed = 0;
  for (let round = 1; round <= ROUNDS; round += 1) {
    const build = `c${round}`;
    await prepare(build);
    const share = (round * 0.618034) % 1;
    const reached = wire.reach(Math.floor(share * (whole - 200)));
    const child = await begin(build);
    await Promise.race([reached, child.exited]);
    await turns(round);
    child.kill("SIGKILL");
    await child.exited;
    wire.cut();
    const now = await readWholeBuild(server, SITE);
    expect([served, build]).toContain(now);
    const { uploaded, files } = await deploy(build);
    expect(files).toBe(first.files);
    expect(uploaded).toBeLessThanOrEqual(blobs);
    if (uploaded < blobs) resumed += 1;
    expect(await readWholeBuild(server, SITE)).toBe(build);
    served = build;
  }
  expect(resumed).toBeGreaterThan(ROUNDS / 4);
}, 90_000);

test("Ctrl-C in the middle of an upload ends with 130 and leaves the site as it was", async () => {
  await using folder = await temporaryFolder("interrupt");
  await using server = await startLand({ data: join(folder.path, "data"), home: folder.path });
  await using wire = await openWire(server.url);
  const { prepare, deploy, begin } = await openScene(folder, server, wire);
  await prepare("old");
  await deploy("old");
  await prepare("new");
  const held = wire.reach(200_000, true);
  const child = await begin("new");
  await held;
  child.kill("SIGINT");
  const [exitCode, stdout] = await Promise.all([child.exited, child.stdout.text()]);
  expect(exitCode).toBe(130);
  expect(JSON.parse(stdout)).toMatchObject({ code: "cancelled" });
  wire.cut();
  expect(await readWholeBuild(server, SITE)).toBe("old");
  await deploy("new");
  expect(await readWholeBuild(server, SITE)).toBe("new");
  const answer = await askSite(server, SITE, "/shared.txt");
  expect(await answer.text()).toBe("the same in every build\n");
}, 60_000);
