import { afterAll, beforeAll, expect, test } from "bun:test";

import { expectWell, limitedWorld, seen } from "./functions-rows.ts";
import type { FunctionWorld } from "./functions-world.ts";

const TIMEOUT_MS = 60_000;
const PROGRAM = `
const spin = () => { for (let n = 0; ; n += 1) globalThis.spun = n; };
export default {
  fetch: () => new Response("fine"),
  scheduled: (event) => event.cron === "@daily" ? spin() : new Promise(() => {}),
  websocket: {
    message(socket, text) {
      if (text === "spin") spin();
      if (text === "throw") throw new Error("thrown by a handler");
      if (text === "exit") process.exit(3);
      socket.send("heard " + text);
    },
  },
};`;

let world: FunctionWorld;
beforeAll(async () => {
  world = await limitedWorld(19, 8);
  const site = { crons: ["@daily", "@hourly"] };
  await world.deploy(world.eve, "evil", PROGRAM, { "land.json": JSON.stringify({ site }) });
}, TIMEOUT_MS);
afterAll(() => world[Symbol.asyncDispose]());

/** A socket of the site: says something and waits for what comes. */
async function openSocket() {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its types leave out that it takes headers
  const options = { headers: { Host: `evil.localhost:${world.port}` } } as unknown as string[];
  const socket = new WebSocket(`ws://127.0.0.1:${world.port}/ws`, options);
  const heard: string[] = [];
  const opened = Promise.withResolvers<void>();
  socket.addEventListener("open", () => opened.resolve());
  socket.addEventListener("close", () => opened.resolve());
  socket.addEventListener("message", ({ data }) => heard.push(String(data)));
  await opened.promise;
  return { socket, heard };
}

test.each([
  ["a loop", "spin", /computed for \d+ ms without a pause, the limit is 300 ms/],
  ["an error", "throw", /thrown by a handler/],
  ["an end", "exit", /ended by itself: exit code 3/],
])(
  "%s in the handler of a socket: its process is another one, its sockets stay",
  async (_attack, word, owner) => {
    const { socket, heard } = await openSocket();
    const other = await openSocket();
    socket.send(word);
    await world.line(world.eve, "evil", owner);
    await expectWell(world);
    expect(seen(await world.ask("evil", "/"))).toBe("200 fine");
    other.socket.send("hello");
    for (const end = Date.now() + 10_000; other.heard.length === 0 && Date.now() < end;)
      await Bun.sleep(50);
    expect(other.heard).toEqual(["heard hello"]);
    expect(heard.filter((text) => /at .+:\d+|Error/.test(text))).toEqual([]);
    expect(other.socket.readyState).toBe(WebSocket.OPEN);
    socket.close();
    other.socket.close();
  },
  TIMEOUT_MS,
);

test(
  "a loop in a schedule ends that run, and the history says why",
  async () => {
    const started = await world.call(world.eve, "POST", "/sites/evil/crons/run", {
      cron: "@daily",
    });
    expect(started.status).toBeLessThan(300);
    await expectWell(world);
    type Runs = { items: { cron: string; outcome: string; problem: string | null }[] };
    let last: Runs["items"][number] | undefined;
    for (const end = Date.now() + 30_000; Date.now() < end; await Bun.sleep(100)) {
      const { value } = await world.call<Runs>(world.eve, "GET", "/sites/evil/crons/runs");
      [last] = value.items;
      if (last?.outcome !== "running") break;
    }
    expect(last).toMatchObject({ cron: "@daily", outcome: "failed" });
    expect(last?.problem).toMatch(/computed for too long|cpu_limit/);
    expect(seen(await world.ask("evil", "/"))).toBe("200 fine");
  },
  TIMEOUT_MS,
);

test(
  "a program that ends at each request is started at once at first, then less and less often",
  async () => {
    const ends = "export default { fetch: () => process.exit(1) };";
    await world.deploy(world.eve, "ends", ends);
    for (let n = 0; n < 30; n += 1) expect(seen(await world.ask("ends", "/"))).toBe("503 crashed");
    await world.line(world.eve, "ends", /the next request starts it again$/);
    await world.line(world.eve, "ends", /it starts again in \d s at the earliest$/);
    const ended = (await world.log(world.eve, "ends")).filter(({ message }) =>
      message.includes("ended by itself"),
    );
    expect(ended.length).toBeLessThan(20);
    await expectWell(world);
  },
  TIMEOUT_MS,
);

test(
  "a program that ends before it is ready is not started for each visitor",
  async () => {
    await world.deploy(world.eve, "stillborn", "process.exit(1); export default {};");
    for (let n = 0; n < 20; n += 1)
      expect(seen(await world.ask("stillborn", "/"))).toBe("503 start_failed");
    await world.line(world.eve, "stillborn", /it is tried again in \d+ s/);
    const lines = await world.log(world.eve, "stillborn");
    const starts = lines.filter(({ message }) => message.includes("did not start"));
    expect(starts.length).toBeLessThan(5);
  },
  TIMEOUT_MS,
);
