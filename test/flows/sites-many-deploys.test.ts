import { expect, test } from "bun:test";
import { join } from "node:path";

import { land, type LandServer, startLand, temporaryFolder } from "../support/land.ts";
import {
  askSite,
  buildFiles,
  deployArgs,
  readWholeBuild,
  signUpByBinary,
  writeBuild,
} from "../support/site.ts";

const SITE = "crowded";
const BY_BINARY = 10;
const BY_API = 40;

test("50 deploys of one site at once: every answer belongs to one whole deploy, one is live in the end, the history has all", async () => {
  await using folder = await temporaryFolder("crowd");
  const at = (...path: string[]): string => join(folder.path, ...path);
  await Bun.write(at("home/.keep"), "");
  await using server = await startLand({
    data: at("data"),
    home: at("home"),
    env: { LAND_SITES_KEEP_DEPLOYS: "100" },
  });
  const token = await signUpByBinary(server, at("home"));
  const env = { LAND_REGISTRY: server.url, LAND_TOKEN: token };
  const byBinary = async (build: string): Promise<string> => {
    await writeBuild(at(build), build);
    const options = { cwd: at("home"), home: at("home"), env };
    const done = await land(deployArgs(SITE, at(build)), options);
    expect(done).toMatchObject({ exitCode: 0 });
    return done.json<{ deploy: string }>().deploy;
  };
  const first = await byBinary("first");
  const reader = readUntil(server);
  const done = await Promise.all([
    ...Array.from({ length: BY_BINARY }, (_, index) => byBinary(`binary${index}`)),
    ...Array.from({ length: BY_API }, (_, index) => deployByApi(server, token, `api${index}`)),
  ]);
  const { answers, builds } = await reader.stop();
  expect(answers).toBeGreaterThan(50);
  expect(builds.size).toBeGreaterThan(1);

  const ask = async <T>(path: string): Promise<T> => {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${server.url}/api/v1/sites/${SITE}/${path}`, { headers });
    return (await answer.json()) as T;
  };
  type Row = { id: string; state: string; live: boolean };
  const { items } = await ask<{ items: Row[] }>("deploys?limit=100");
  const made = [first, ...done];
  expect(items.map(({ id }) => id).toSorted()).toEqual(made.toSorted());
  expect(items.filter(({ state }) => state !== "ready")).toEqual([]);
  const live = items.filter((row) => row.live).map(({ id }) => id);
  const releases = await ask<{ items: { deploy: string }[] }>("releases?limit=100");
  expect(releases.items.map(({ deploy }) => deploy).toSorted()).toEqual(made.toSorted());
  expect(live).toEqual([releases.items[0]?.deploy ?? ""]);
  const served = await readWholeBuild(server, SITE);
  const own = await (await askSite(server, `${live[0]}--${SITE}`, "/asset.js")).text();
  expect(own).toBe(String(buildFiles(served)["asset.js"]));
}, 90_000);

/** Deploys a build by the API alone, blob by blob. */
async function deployByApi(server: LandServer, token: string, build: string): Promise<string> {
  const files = new Map(
    Object.entries(buildFiles(build)).map(([path, content]) => {
      const sha256 = new Bun.CryptoHasher("sha256").update(content).digest("hex");
      return [path, { sha256, size: Buffer.byteLength(content), content }] as const;
    }),
  );
  const send = async <T>(method: string, path: string, body: string | Uint8Array): Promise<T> => {
    const answer = await fetch(`${server.url}/api/v1/sites/${SITE}/deploys${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": typeof body === "string" ? "application/json" : "application/octet-stream",
      },
      body,
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text || "null") as T;
  };
  const list = Object.fromEntries(
    [...files].map(([path, { sha256, size }]) => [path, { sha256, size }]),
  );
  const begun = await send<{ id: string; missing: string[] }>(
    "POST",
    "",
    JSON.stringify({ files: list, message: build }),
  );
  const byDigest = new Map([...files.values()].map((file) => [file.sha256, file.content]));
  for (const hex of begun.missing)
    await send("PUT", `/${begun.id}/blobs/sha256/${hex}`, Buffer.from(byDigest.get(hex) ?? ""));
  await send("POST", `/${begun.id}/finalize`, "{}");
  return begun.id;
}

/**
 * A visitor who reads the page, its script, and the page again, without a pause, until told to stop. Each answer must be whole, and the
 * script between two pages of one build must be of that build: no build comes back once another is live.
 */
function readUntil(server: LandServer) {
  const state = { stopped: false };
  const builds = new Set<string>();
  let answers = 0;
  const page = async (): Promise<string> => {
    const answer = await askSite(server, SITE, "/");
    const text = await answer.text();
    const build = /<title>([^<]*)</.exec(text)?.[1] ?? "none";
    if (text !== fileOf(build, "index.html"))
      throw new Error(`not one whole page: ${text.slice(0, 300)}`);
    answers += 1;
    builds.add(build);
    return build;
  };
  const known = new Map<string, Record<string, string | Uint8Array>>();
  const fileOf = (build: string, path: string): string => {
    const files = known.get(build) ?? buildFiles(build);
    known.set(build, files);
    return String(files[path]);
  };
  const run = (async () => {
    while (!state.stopped) {
      const before = await page();
      const script = await (await askSite(server, SITE, "/asset.js")).text();
      const after = await page();
      const named = /"([^"]*)"/.exec(script)?.[1] ?? "";
      if (before === after) expect(named).toBe(before);
      expect(script).toBe(fileOf(named, "asset.js"));
    }
  })();
  return {
    stop: async () => {
      state.stopped = true;
      await run;
      return { answers, builds };
    },
  };
}
