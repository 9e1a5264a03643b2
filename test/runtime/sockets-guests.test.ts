/** Sockets with real processes at the other end of the bridge. */
import { expect, test } from "bun:test";

import type { DeployId, SiteName } from "#base/names.ts";
import type { SupervisorParts } from "#runtime/process/parts.ts";
import type { ProgramRef } from "#runtime/tenant.ts";

import { isRunning, type ProcessWorld, processWorld } from "./process-world.ts";
import { FIRST, SECOND, socketWorld, until, type World } from "./sockets-world.ts";

/** Programs of site 1 by deploy; the first is live. */
async function guests(sources: Record<string, string>) {
  const refs = new Map<DeployId, ProgramRef>();
  let live: DeployId = FIRST;
  let sockets: World | undefined;
  const late: SupervisorParts["bindings"][number] = { notes: {}, calls: {} };
  const processes: ProcessWorld = await processWorld({}, { bindings: [late] });
  const world = await socketWorld({
    parts: {
      handlersOf: processes.supervisor.handlersOf,
      call: processes.supervisor.call,
      currentProgram: async (_siteId, deploy, isLive) => refs.get(isLive ? live : deploy),
    },
  });
  sockets = world;
  Object.assign(late, world.sockets.binding);
  for (const [deploy, source] of Object.entries(sources)) {
    const more = { siteId: 1, site: "site1" as SiteName, deploy: deploy as DeployId };
    refs.set(more.deploy, processes.program(source, more));
  }
  return {
    world: sockets,
    processes,
    ref: (deploy: DeployId) => refs.get(deploy) as ProgramRef,
    release(deploy: DeployId) {
      live = deploy;
      world.release(deploy);
    },
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      await processes.close();
    },
  };
}

const CHAT = (name: string): string => `
let heard = 0;
export default {
  async fetch(request, env) {
    env.SOCKETS.broadcast("from fetch of ${name}");
    return new Response(String(await env.SOCKETS.count()));
  },
  websocket: {
    open(socket) {
      socket.data = { joined: "${name}" };
      socket.subscribe("room");
      socket.send("welcome to ${name}");
    },
    message(socket, message) {
      heard += 1;
      if (message === "throw") throw new Error("oh no");
      if (typeof message !== "string")
        return socket.send([message.constructor.name, message.length, message.buffer.byteLength].join(" "));
      if (message === "bytes") return socket.send(new Uint8Array([1, 2, 3]));
      if (message === "close") return socket.close(4005, "as you wish");
      if (message === "others") return socket.publish("room", "to others");
      socket.send("${name} " + heard + " " + socket.data.joined + " " + message);
    },
    close(socket, code) {
      env_closed = code;
    },
  },
};
let env_closed;
`;

test("a module's handlers open, hear, answer, keep data and close", async () => {
  await using at = await guests({ [FIRST]: CHAT("one") });
  const a = await at.world.open();
  const b = await at.world.open("/ws/b");
  for (const text of ["hello", "throw", "bytes", "others", "close"]) a.ws.send(text);
  expect(await a.closed).toEqual({ code: 4005, reason: "as you wish" });
  expect(a.got).toEqual(["welcome to one", "one 1 one hello", Buffer.from([1, 2, 3])]);
  await until(() => b.got.length === 2);
  expect(b.got).toEqual(["welcome to one", "to others"]);
  expect(await at.processes.ask(at.ref(FIRST))).toMatchObject({ status: 200, text: "1" });
  await until(() => b.got.length === 3);
  expect(b.got[2]).toBe("from fetch of one");
  await until(() => at.processes.lines.some(({ message }) => message.includes("oh no")));
}, 20_000);

test("a message of bytes is a Uint8Array of its own, of whatever size", async () => {
  await using at = await guests({ [FIRST]: CHAT("one") });
  const { ws, got } = await at.world.open();
  const sizes = [1, 200, 5000, 70_000, 300_000];
  for (const size of sizes) ws.send(new Uint8Array(size));
  await until(() => got.length === 1 + sizes.length);
  expect(got.slice(1)).toEqual(sizes.map((size) => `Uint8Array ${size} ${size}`));
}, 20_000);

test("sockets and their data outlive a killed process", async () => {
  await using at = await guests({ [FIRST]: CHAT("one") });
  const { ws, got } = await at.world.open();
  ws.send("a");
  await until(() => got.length === 2);
  const pid = at.processes.pidOf(1);
  process.kill(pid, "SIGKILL");
  await until(() => !isRunning(pid));
  expect(ws.readyState).toBe(WebSocket.OPEN);
  ws.send("b");
  await until(() => got.length === 3);
  // A new process: its own count begins again, what was kept with the socket does not.
  expect(got).toEqual(["welcome to one", "one 1 one a", "one 1 one b"]);
}, 20_000);

test("sockets outlive a deploy", async () => {
  await using at = await guests({ [FIRST]: CHAT("one"), [SECOND]: CHAT("two") });
  const { ws, got } = await at.world.open();
  await until(() => got.length === 1);
  at.release(SECOND);
  at.processes.supervisor.keep(1, [SECOND]);
  ws.send("x");
  await until(() => got.length === 2);
  expect(got[1]).toBe("two 1 one x");
  await at.processes.ask(at.ref(SECOND));
  await until(() => got.length === 3);
  expect(got[2]).toBe("from fetch of two");
}, 20_000);

test("a script broadcasts, and hears messages where it listens", async () => {
  await using at = await guests({
    [FIRST]: `socket.on("message", (message) => socket.broadcast("heard " + message));
if (req.method === "GET") { socket.broadcast("a visit to " + req.path); res.send("ok"); }`,
    [SECOND]: `socket.broadcast("draft"); res.send("ok");`,
  });
  const [a, b] = [await at.world.open(), await at.world.open()];
  a.ws.send("me");
  await until(() => a.got.length === 1 && b.got.length === 1);
  expect(b.got).toEqual(["heard me"]);
  expect((await at.processes.ask(at.ref(FIRST), "/x")).text).toBe("ok");
  expect((await at.processes.ask(at.ref(SECOND), "/y")).text).toBe("ok");
  await until(() => b.got.length === 2);
  expect(b.got[1]).toBe("a visit to /x");
}, 20_000);

test("a thousand messages from many sockets all come, in order of each", async () => {
  await using at = await guests({
    [FIRST]: `export default { websocket: { async message(socket, message) {
      await new Promise((done) => setTimeout(done, Math.random() * 3));
      socket.send(message);
    } } };`,
  });
  const clients = await Promise.all(Array.from({ length: 50 }, () => at.world.open()));
  const sent = Array.from({ length: 20 }, (_, n) => String(n));
  for (const text of sent) for (const { ws } of clients) ws.send(text);
  await until(() => clients.every(({ got }) => got.length === 20));
  for (const { got } of clients) expect(got).toEqual(sent);
}, 20_000);
