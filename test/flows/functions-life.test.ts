import { expect, test } from "bun:test";
import { mkdir } from "node:fs/promises";

import {
  type AppStage,
  appStage,
  childrenOf,
  isAlive,
  openSocket,
  until,
} from "../support/app-stage.ts";

/** How processes of programs begin and end with the server, and what stands before them. */
const PROGRAM = `
  let asked = 0;
  const never = new Promise(() => {});
  export default {
    async fetch(request, env, ctx) {
      const { pathname, protocol } = new URL(request.url);
      asked += 1;
      if (pathname === "/asked") return new Response(String(asked));
      if (pathname === "/late") return new Promise((done) => setTimeout(() => done(new Response("late")), 1000));
      if (pathname === "/never") return never;
      if (pathname === "/after") ctx.waitUntil(never);
      if (pathname === "/spin") for (;;);
      if (pathname === "/visit") await env.DB.exec("CREATE TABLE IF NOT EXISTS visits (at TEXT); INSERT INTO visits VALUES ('now')");
      if (pathname === "/visits") return new Response(String(await env.DB.prepare("SELECT count(*) AS n FROM visits").first("n")));
      if (pathname === "/stream") {
        let n = 0;
        return new Response(new ReadableStream({ pull: (c) => new Promise((done) => setTimeout(() => done(c.enqueue(new TextEncoder().encode(n++ + "\\n"))), 20)) }));
      }
      return new Response([protocol, request.headers.get("x-forwarded-proto"), request.method, pathname].join(" "));
    },
    websocket: { message: (socket, message) => socket.send("echo " + message) },
  };
`;

const textOf = async (stage: AppStage, site: string, path = "/"): Promise<string> => {
  const answer = await stage.ask(site, path);
  return `${answer.status} ${await answer.text()}`;
};
/** All processes that ran for the server. */
const tracked = async (stage: AppStage) => {
  const all = childrenOf(stage.server().pid);
  const running = (await stage.processesOf("life")).map(({ pid }) => pid);
  expect(all.map(({ pid }) => pid)).toEqual(expect.arrayContaining(running));
  expect(running.length).toBeGreaterThan(0);
  return all;
};
test("SIGTERM with open sockets, streams and slow requests: what can be is finished, and no process is left", async () => {
  await using stage = await appStage("life-term");
  await stage.deploy("life", { "main.js": PROGRAM });
  await textOf(stage, "life", "/after");
  const socket = await openSocket(stage.server().url, "life");
  socket.socket.send("hello");
  await until("the echo", () => socket.got.includes("echo hello"));
  const stream = await stage.ask("life", "/stream");
  const reader = stream.body?.getReader();
  if (!reader) throw new Error("no body");
  await reader.read();
  const never = textOf(stage, "life", "/never").catch((error) => String(error));
  const late = textOf(stage, "life", "/late");
  await until("all are being answered", async () =>
    (await stage.processesOf("life")).some(({ open }) => open >= 3),
  );
  const processes = await tracked(stage);
  const startedMs = performance.now();
  const ended = stage.server().end("SIGTERM");
  expect(await socket.closed).toMatchObject({ code: 1001 });
  expect(await late).toBe("200 late");
  expect(await ended).toBe(0);
  // `drainSeconds` is 7; what never ends would hold it for ever.
  expect((performance.now() - startedMs) / 1000).toBeLessThan(20);
  expect(processes.filter(isAlive)).toEqual([]);
  // A stream that is cut may end as it likes, but it ends.
  for (let done = false; !done;) ({ done } = await reader.read().catch(() => ({ done: true })));
  expect(await never).not.toStartWith("200");
}, 120_000);

test("kill -9 of the server: no process is left, one that computes neither, and all starts anew on what lies there", async () => {
  await using stage = await appStage("life-kill", {
    env: { LAND_FUNCTIONS_CPU_MS: "600000", LAND_FUNCTIONS_CPU_SECONDS_PER_MINUTE: "600" },
  });
  await stage.deploy("life", { "main.js": PROGRAM });
  await stage.deploy("other", { "main.js": PROGRAM });
  await textOf(stage, "life", "/visit");
  const { closed } = await openSocket(stage.server().url, "life");
  const spin = textOf(stage, "other", "/spin").catch(() => "cut");
  await until("it computes", async () =>
    (await stage.processesOf("other")).some(({ open }) => open > 0),
  );
  const processes = await tracked(stage);
  await stage.restart("SIGKILL", async () => {
    await until("all processes are gone", () => processes.every((one) => !isAlive(one)), 10);
    // What a site left that was removed as the server was killed.
    await mkdir(stage.at("data/functions/99999"), { recursive: true });
    await Bun.write(stage.at("data/functions/99999/data.db"), "left");
  });
  expect(await spin).toBe("cut");
  expect((await closed).code).toBe(1006);
  expect(await textOf(stage, "life", "/visits")).toBe("200 1");
  await textOf(stage, "life", "/visit");
  expect(await textOf(stage, "life", "/visits")).toBe("200 2");
  const again = await openSocket(stage.server().url, "life");
  again.socket.send("again");
  await until("the echo", () => again.got.includes("echo again"));
  await until("what was left is removed", async () => {
    return !(await Bun.file(stage.at("data/functions/99999/data.db")).exists());
  });
}, 120_000);

test("a program without work ends, its sockets stay, and the next request or message starts it", async () => {
  await using stage = await appStage("life-idle", { env: { LAND_FUNCTIONS_IDLE_SECONDS: "1" } });
  await stage.deploy("life", { "main.js": PROGRAM });
  const ends = () => until("it ended", async () => (await stage.processesOf("life")).length === 0);
  const { socket, got } = await openSocket(stage.server().url, "life");
  await textOf(stage, "life");
  await textOf(stage, "life");
  expect(await textOf(stage, "life", "/asked")).toBe("200 3");
  await ends();
  expect(await textOf(stage, "life", "/asked")).toBe("200 1");
  await ends();
  socket.send("after a while");
  await until("the echo", () => got.includes("echo after a while"));
  expect(socket.readyState).toBe(WebSocket.OPEN);
  // While somebody is being answered it is not idle.
  const stream = await stage.ask("life", "/stream");
  let lines = 0;
  for await (const chunk of stream.body ?? []) {
    lines += new TextDecoder().decode(chunk).split("\n").length - 1;
    if (lines > 100) break;
  }
  expect(await stage.processesOf("life")).toHaveLength(1);
}, 120_000);

test("https and wss through the server's own certificate, beside http and ws", async () => {
  await using stage = await appStage("life-tls", {
    args: ["--tls", "dev"],
    env: { LAND_TLS_REDIRECT: "off" },
  });
  await stage.deploy("life", { "main.js": PROGRAM });
  const log = /^land listens for https on https:\/\/localhost:(\d+)$/m.exec(stage.server().log());
  const url = `https://127.0.0.1:${log?.[1]}`;
  const ca = await Bun.file(stage.at("data/tls/ca.pem")).text();
  const answer = await fetch(`${url}/secret`, {
    method: "POST",
    headers: { host: `life.localhost:${log?.[1]}` },
    tls: { ca, serverName: "life.localhost" },
  });
  expect([answer.status, await answer.text()]).toEqual([200, "https: https POST /secret"]);
  expect(await textOf(stage, "life", "/open")).toBe("200 http: http GET /open");
  const secure = await openSocket(url, "life", { tls: { ca } });
  const open = await openSocket(stage.server().url, "life");
  for (const { socket, got } of [secure, open]) {
    socket.send("x".repeat(50_000));
    await until("the echo", () => got.includes(`echo ${"x".repeat(50_000)}`));
  }
  expect(await stage.restart("SIGTERM")).toBe(0);
  expect([(await secure.closed).code, (await open.closed).code]).toEqual([1001, 1001]);
}, 120_000);

test("a password stands before the program and its sockets", async () => {
  await using stage = await appStage("life-gate");
  await stage.deploy("life", { "main.js": PROGRAM, "page.html": "page" });
  const before = await openSocket(stage.server().url, "life");
  before.socket.send("1");
  await until("the echo", () => before.got.includes("echo 1"));
  await stage.run(["sites", "protect", "life", "--password-stdin"], { input: "open sesame\n" });
  // Who came in before has to come in again.
  expect((await before.closed).code).toBe(1008);
  const { requests } = (await stage.processesOf("life"))[0] ?? {};
  for (const [path, method] of [
    ["/", "GET"],
    ["/page", "GET"],
    ["/any", "POST"],
    ["/any", "DELETE"],
  ] as const)
    expect([path, method, (await stage.ask("life", path, { method })).status]).toEqual([
      path,
      method,
      401,
    ]);
  await expect(openSocket(stage.server().url, "life")).rejects.toThrow("refused");
  expect((await stage.processesOf("life"))[0]?.requests).toBe(requests);
  const headers = { authorization: `Basic ${btoa("anybody:open sesame")}` };
  const answer = await stage.ask("life", "/any", { method: "DELETE", headers });
  expect(await answer.text()).toBe("http: http DELETE /any");
  const after = await openSocket(stage.server().url, "life", { headers });
  after.socket.send("2");
  await until("the echo", () => after.got.includes("echo 2"));
  await stage.run(["sites", "maintenance", "life"]);
  expect((await stage.ask("life", "/any", { headers })).status).toBe(503);
  await after.closed;
}, 120_000);

test('functions = "off": files are there, programs are not', async () => {
  await using stage = await appStage("life-off", { env: { LAND_FUNCTIONS: "off" } });
  await stage.deploy("life", { "main.js": PROGRAM, "page.html": "page" });
  expect(await textOf(stage, "life", "/page")).toBe("200 page");
  const answer = await stage.ask("life", "/any");
  expect([answer.status, answer.headers.get("x-land-code")]).toEqual([
    503,
    "functions_unavailable",
  ]);
  expect(await stage.api("GET", "/sites/life/functions")).toMatchObject({
    available: false,
    problem: expect.stringContaining('functions = "off"'),
    processes: [],
  });
  expect(childrenOf(stage.server().pid)).toEqual([]);
}, 120_000);

test("--unsafe-no-sandbox says loudly what it does", async () => {
  await using stage = await appStage("life-unsafe", { args: ["--unsafe-no-sandbox"] });
  expect(stage.server().log()).toContain(
    "WARNING: --unsafe-no-sandbox: programs of sites are NOT confined.",
  );
  await stage.deploy("life", {
    "main.js": `import { readFileSync } from "node:fs";\nexport default { fetch: () => new Response(readFileSync("/proc/self/comm", "utf8")) };`,
  });
  expect(await textOf(stage, "life")).toStartWith("200 ");
  expect(await stage.api("GET", "/sites/life/functions")).toMatchObject({
    available: true,
    sandboxed: false,
  });
  await using confined = await appStage("life-safe");
  expect(confined.server().log()).not.toContain("WARNING");
  expect(await stage.restart("SIGTERM")).toBe(0);
}, 120_000);
