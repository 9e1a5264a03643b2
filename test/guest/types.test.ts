import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { SITE_TYPES } from "#pack/site-types.ts";

const PROGRAMS = {
  "module.ts": `interface Env extends LandEnv { API_KEY: string }
export default {
  async fetch(request, env, ctx) {
    const value: { a: number } | null = await env.KV.get<{ a: number }>("a", "json");
    const { results } = await env.DB.prepare("SELECT 1").bind(1, true, null).all<{ id: number }>();
    ctx.waitUntil(env.KV.put("b", env.API_KEY, { ttl: 5 }));
    const done = await env.KV.atomic().check({ key: "a", versionstamp: null }).sum("n", 1).commit();
    env.SOCKETS.broadcast({ n: results[0]?.id, a: value?.a, ok: done.ok });
    const list = await env.KV.list();
    return new Response(list.list_complete ? "" : list.cursor);
  },
  scheduled(controller) { controller.noRetry(); },
  websocket: { message(socket, message) { socket.send(message.length); socket.data = { n: 1 }; } },
} satisfies LandModule<Env>;
`,
  "script.ts": `socket.on("message", (message, from) => from.send(message));
const n: number = db.add("n");
res.status(201).header("x-n", n).json({ n, path: req.path, all: db.list("a").map(({ key }) => key) });
export {};
`,
  "wrong.ts": `db.add({}); res.nothing(); export {};\n`,
};

test("the types fit what programs use, and only that", async () => {
  const folder = await mkdtemp(join(tmpdir(), "land-types-"));
  try {
    for (const [name, text] of Object.entries({ ...PROGRAMS, "land-env.d.ts": SITE_TYPES }))
      await Bun.write(join(folder, name), text);
    const compiler = resolve("node_modules/.bin/tsc");
    const flags = [
      "--noEmit",
      "--strict",
      "--target",
      "esnext",
      "--lib",
      "esnext,dom,dom.iterable",
    ];
    const files = ["land-env.d.ts", ...Object.keys(PROGRAMS)];
    const run = Bun.spawn([compiler, ...flags, "--types", "", ...files], {
      cwd: folder,
      stdout: "pipe",
    });
    const told = (await run.stdout.text()).trim().split("\n");
    expect(told.map((line) => line.replace(/:.*/, ""))).toEqual([
      "wrong.ts(1,8)",
      "wrong.ts(1,17)",
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
}, 30_000);
