import { describe, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { canChangeUser, type FunctionWorld, functionWorld } from "./functions-world.ts";

const TIMEOUT_MS = 60_000;
const SECRET = "the-secret-of-ada";
const VICTIM = `export default { async fetch(request, env) {
  await env.DB.exec("create table if not exists notes (text)");
  await env.DB.prepare("insert into notes values (?)").bind(env.SECRET).run();
  await env.KV.put("note", env.SECRET);
  console.log("told " + env.SECRET);
  return new Response("" + (await env.DB.prepare("select count(*) as n from notes").first("n")));
} };`;

/** Tries each path in each way that there is. Answers which way gave what. */
const THIEF = `
import fs from "node:fs";
import { Database } from "bun:sqlite";
import { dlopen } from "bun:ffi";
const ways = {
  read: (path) => fs.readFileSync(path),
  open: (path) => fs.openSync(path, "r"),
  write: (path) => fs.openSync(path, "a"),
  bun: async (path) => await Bun.file(path).bytes(),
  stream: (path) => new Promise((done, fail) => fs.createReadStream(path).on("data", done).on("error", fail).on("end", done)),
  copy: (path) => fs.copyFileSync(path, "stolen"),
  link: (path) => fs.linkSync(path, "linked" + Math.random()),
  symlink: (path) => { const to = "soft" + Math.random(); fs.symlinkSync(path, to); return fs.readFileSync(to); },
  rename: (path) => fs.renameSync(path, "moved"),
  cut: (path) => fs.truncateSync(path, 0),
  remove: (path) => fs.rmSync(path),
  list: (path) => fs.readdirSync(path),
  sqlite: (path) => new Database(path, { readonly: true }).query("select count(*) from sqlite_schema").get(),
  attach: (path) => { const db = new Database(":memory:"); db.run("attach '" + path + "' as other"); return db.query("select count(*) from other.sqlite_schema").get(); },
  d1: async (path, env) => { await env.DB.exec("attach '" + path + "' as other"); return await env.DB.prepare("select count(*) from other.sqlite_schema").first(); },
  vacuum: (path) => { const db = new Database(":memory:"); db.run("create table a (b)"); db.run("vacuum into '" + path + ".copy'"); },
  imported: async (path) => await import(path, { with: { type: "text" } }),
  dlopen: (path) => dlopen(path, {}),
};
export default { async fetch(request, env) {
  const { paths, only } = await request.json();
  const got = [];
  for (const path of paths)
    for (const [name, way] of Object.entries(ways)) {
      if (only && !only.includes(name)) continue;
      try { await way(path, env); got.push(name + " " + path); } catch {}
    }
  return Response.json(got);
} };`;

/** A server with a victim that keeps something everywhere, and a thief in a folder of its own. */
async function thievesWorld(env: Record<string, string>, asUser: boolean): Promise<FunctionWorld> {
  const world = await functionWorld({ LAND_FUNCTIONS_CPU_MS: "20000", ...env }, { asUser });
  await world.deploy(world.ada, "victim", VICTIM);
  const body = { value: SECRET };
  const set = await world.call(world.ada, "PUT", "/sites/victim/env/SECRET", body);
  expect(set.status).toBe(200);
  expect((await world.ask("victim", "/count")).text).toBe("1");
  await world.deploy(world.eve, "evil", THIEF);
  return world;
}

/** All that lies in the server's folder, the thief's own apart, in several spellings. */
async function everything({ data }: FunctionWorld): Promise<string[]> {
  const entries = await readdir(data, { recursive: true, withFileTypes: true });
  const paths = entries
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => !path.startsWith(join(data, "functions/2")));
  const needed = ["land.db", "functions/1/data.db", "env.key", "secret.key"];
  for (const name of needed) expect(paths).toContain(join(data, name));
  return [
    data,
    ...paths,
    ...needed.flatMap((name) => [
      `../../${name}`,
      `/proc/self/root${data}/${name}`,
      `/proc/self/cwd/../../${name}`,
      `/proc/thread-self/root${data}/${name}`,
    ]),
    ..."../1/data.db ../1 ../ ../../ / /site/../1/data.db /proc/self/fd /proc/1/root /etc/passwd".split(
      " ",
    ),
  ];
}

async function steal(world: FunctionWorld, paths: string[], only?: string[]): Promise<string[]> {
  const body = JSON.stringify({ paths, only });
  const { text, status } = await world.ask("evil", "/", { method: "POST", body });
  expect(`${status} ${text}`).toStartWith("200 [");
  return JSON.parse(text);
}

const modes = [
  ["with the server as root", false, true],
  ["with the server as another user", true, canChangeUser],
] as const;
describe.each(modes)("files of the server and of other sites %s", (_mode, asUser, isPossible) => {
  test.skipIf(!isPossible)(
    "in no way",
    async () => {
      await using world = await thievesWorld({}, asUser);
      const got = await steal(world, await everything(world));
      // A link that leads where nobody may go is no harm; the root of a program holds what it runs with.
      expect(got.filter((way) => !/^(?:list|open|read) \/$/.test(way))).toEqual([]);
      // What is there of others is as it was.
      expect((await world.ask("victim", "/count")).text).toBe("2");
      expect(world.server.log()).not.toContain(SECRET);
    },
    TIMEOUT_MS,
  );
});

test(
  "without the sandbox each of them is read, so that these tests can fail",
  async () => {
    await using world = await thievesWorld({ LAND_FUNCTIONS_SANDBOX: "none" }, false);
    const ways = ["read", "open", "bun", "stream", "symlink", "sqlite", "attach", "d1"];
    const path = join(world.data, "functions/1/data.db");
    const got = await steal(world, [path], ways);
    expect(got).toEqual(expect.arrayContaining(ways.map((way) => `${way} ${path}`)));
    const keys = [join(world.data, "secret.key"), join(world.data, "env.key"), "../../land.db"];
    expect(await steal(world, keys, ["read"])).toEqual(keys.map((key) => `read ${key}`));
  },
  TIMEOUT_MS,
);
