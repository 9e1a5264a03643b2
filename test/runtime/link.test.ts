import { afterEach, expect, test } from "bun:test";
import { readFileSync, readlinkSync } from "node:fs";

import { type Body, BridgeError } from "#bridge/model.ts";
import { type Account, createMeter } from "#runtime/link/meter.ts";
import { createRing } from "#runtime/link/ring.ts";
import type { Binding } from "#runtime/tenant.ts";

import { ask, type Guest, startGuest } from "./link-world.ts";

const PATTERN = Uint8Array.from({ length: 1024 * 1024 + 251 }, (_, index) => index % 251);

let guests: Guest[] = [];
async function begin(options: Parameters<typeof startGuest>[0] = {}): Promise<Guest> {
  const guest = startGuest(options);
  guests.push(guest);
  await guest.hello;
  return guest;
}
afterEach(async () => {
  await Promise.all(guests.map((guest) => guest.end()));
  guests = [];
});

async function textOf(guest: Guest, path: string): Promise<string> {
  const { body } = await guest.link.request(ask(path), null);
  return body instanceof Uint8Array ? Buffer.from(body).toString() : "";
}
/** Counts the bytes of a body, all of which must be what they are at their place. */
async function check(body: Body): Promise<number> {
  let count = 0;
  if (!(body instanceof ReadableStream)) return -1;
  for await (const chunk of body) {
    const start = count % 251;
    if (Buffer.compare(chunk, PATTERN.subarray(start, start + chunk.length)) !== 0) return -count;
    count += chunk.length;
  }
  return count;
}
const kv: Binding = {
  calls: { "kv.get": (tenant, params) => ({ value: { tenant, params } }) },
};

test("a second process answers over its link, and its calls are those of its tenant", async () => {
  const guest = await begin({ bindings: [kv] });
  expect(await textOf(guest, "/hello")).toBe("hello");
  expect(JSON.parse(await textOf(guest, "/sync"))).toEqual({
    value: { tenant: { siteId: 1, site: "blog", deploy: "abcdefghij" }, params: { key: "a" } },
  });
  expect(Number(await textOf(guest, "/calls?bytes=50"))).toBeGreaterThan(0);
});

test("streams come whole, with the ring and without one", async () => {
  for (const ring of [true, false]) {
    const guest = await begin({ ring });
    for (const [bytes, chunk] of [
      [1, 1],
      [50_000, 7],
      [5_000_000, 1000],
      [5_000_000, 65_536],
      [5_000_000, 1_000_000],
    ]) {
      const { body } = await guest.link.request(ask(`/stream?bytes=${bytes}&chunk=${chunk}`), null);
      expect([bytes, chunk, await check(body)]).toEqual([bytes, chunk, bytes]);
    }
  }
});

test("many streams at once share the ring", async () => {
  const guest = await begin();
  const counts = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const { body } = await guest.link.request(ask("/stream?bytes=1500000"), null);
      return check(body);
    }),
  );
  expect(counts).toEqual(Array.from({ length: 20 }, () => 1_500_000));
});

test("a process is told when a visitor leaves", async () => {
  const guest = await begin();
  const abort = new AbortController();
  const waiting = guest.link.request(ask("/wait"), null, abort.signal);
  await textOf(guest, "/hello");
  abort.abort();
  expect(await waiting.catch((error: unknown) => error)).toMatchObject({ code: "cancelled" });
  expect(await textOf(guest, "/left")).toBe("1");
});

test("a process that ends ends what it was asked", async () => {
  const guest = await begin();
  const waiting = guest.link.request(ask("/wait"), null);
  const streamed = await guest.link.request(ask("/stream?bytes=100000000"), null);
  process.kill(guest.pid, "SIGKILL");
  expect(await waiting.catch((error: unknown) => error)).toMatchObject({ code: "link_closed" });
  expect(await check(streamed.body).catch((error: unknown) => error)).toBeInstanceOf(BridgeError);
  expect(await guest.closed).toBeUndefined();
});

test("what is no protocol closes the link with an error", async () => {
  const guest = await begin();
  void guest.link.request(ask("/garbage"), null).catch(() => undefined);
  expect((await guest.closed)?.code).toBe("protocol");
});

test.if(process.platform === "linux")(
  "a process cannot shrink the ring under the host",
  async () => {
    const guest = await begin();
    expect(await textOf(guest, "/shrink")).toContain("EPERM");
  },
);

const mapsOf = (inode: string): number =>
  readFileSync("/proc/self/maps", "latin1")
    .split("\n")
    .filter((line) => line.includes(` ${inode} `)).length;

test.if(process.platform === "linux")(
  "a ring is unmapped when nothing holds a view of it, and not before",
  async () => {
    const inodeOf = (fd: number): string => {
      const line = readFileSync(`/proc/self/fdinfo/${fd}`, "latin1").match(/ino:\s*(\d+)/);
      return line?.[1] ?? readlinkSync(`/proc/self/fd/${fd}`);
    };
    let view: Uint8Array | undefined;
    const inode = ((): string => {
      const ring = createRing();
      const found = inodeOf(ring.fd);
      view = ring.memory?.subarray(10, 20);
      ring.close();
      ring.close();
      return found;
    })();
    for (let turn = 0; turn < 3; turn += 1) {
      Bun.gc(true);
      await new Promise(setImmediate);
    }
    expect(mapsOf(inode)).toBe(1);
    view?.fill(3);
    expect(view?.[5]).toBe(3);
    view = undefined;
    for (let turn = 0; turn < 50 && mapsOf(inode) > 0; turn += 1) {
      Bun.gc(true);
      await new Promise(setImmediate);
    }
    expect(mapsOf(inode)).toBe(0);
  },
);

test("a body in the ring stays good after its process and its link are gone", async () => {
  const guest = await begin();
  const { body } = await guest.link.request(ask("/stream?bytes=3000000"), null);
  if (!(body instanceof ReadableStream)) throw new Error("no stream");
  const { value } = await body.getReader().read();
  await guest.end();
  for (let turn = 0; turn < 5; turn += 1) Bun.gc(true);
  expect(value?.every((byte, at) => byte === at % 251)).toBe(true);
});

test("a process that floods the host with notes is held back, and others are answered meanwhile", async () => {
  const meter = createMeter(() => performance.now());
  let notes = 0;
  const busy: Binding = {
    notes: {
      log() {
        notes += 1;
        const until = performance.now() + 0.2;
        while (performance.now() < until);
      },
    },
  };
  const hostile = await begin({ meter, bindings: [busy], tenant: { siteId: 2 } });
  const victim = await begin({ meter });
  void hostile.link.request(ask("/flood"), null).catch(() => undefined);
  const started = performance.now();
  let answers = 0;
  while (performance.now() - started < 1500) {
    expect(await textOf(victim, "/hello")).toBe("hello");
    answers += 1;
  }
  // 150 ms at once, and 150 ms of each second.
  expect(notes * 0.2).toBeLessThan(600);
  expect(notes).toBeGreaterThan(50);
  expect(answers).toBeGreaterThan(100);
});

test("who waits for more of the host's time goes on once requests that were sent meanwhile let it have that", async () => {
  let asked = 0;
  const account: Account = {
    spend() {},
    unanswered() {},
    asked: () => void (asked += 1),
    waitMs: () => (asked < 20 ? 600_000 : 0),
  };
  const guest = await begin({ meter: { account: () => account }, bindings: [kv] });
  const calling = textOf(guest, "/calls?bytes=1");
  const others = Array.from({ length: 20 }, () => textOf(guest, "/hello"));
  expect(Number(await calling)).toBeGreaterThan(0);
  expect(new Set(await Promise.all(others))).toEqual(new Set(["hello"]));
});

test("the meter gives each site its share, all the time, and less where many want it", () => {
  let now = 0;
  const meter = createMeter(() => now);
  const one = meter.account(1);
  one.spend(140);
  expect(one.waitMs()).toBe(0);
  one.spend(25);
  // 150 ms in a second: 15 that are owed, and a little to go on with.
  expect(one.waitMs()).toBe(104);
  now = 50;
  expect(meter.account(1).waitMs()).toBe(54);
  now = 104;
  expect(one.waitMs()).toBe(0);
  const others = Array.from({ length: 9 }, (_, at) => meter.account(at + 2));
  for (const other of others) other.spend(29);
  expect(others[0]?.waitMs()).toBe(0);
  // Ten share 300 ms: none has more than 30 left, whatever it had before the others came.
  for (const other of others) other.spend(31);
  expect(others[0]?.waitMs()).toBe(50);
  // Who has taken nothing for a second no longer counts.
  now = 10_000;
  one.spend(149);
  expect(one.waitMs()).toBe(0);
});

/** Two sites that take as much of the host's time, the first of them for requests; `end` is told of the end of each. */
function takeAlike(end: (account: Account) => void): [asked: Account, other: Account] {
  const meter = createMeter(() => 0);
  const [asked, other] = [meter.account(1), meter.account(2)];
  for (let n = 0; n < 2000; n += 1) {
    asked.asked();
    asked.spend(0.2);
    end(asked);
    other.spend(0.2);
  }
  return [asked, other];
}

test("a site that answers many requests may take more of the host's time than one that only takes", () => {
  const [answers, takes] = takeAlike(() => undefined);
  expect([answers.waitMs(), takes.waitMs() > 0]).toEqual([0, true]);
  answers.spend(151);
  expect(answers.waitMs()).toBeGreaterThan(0);
});

test("what was given for requests that are not answered is taken back", () => {
  const [cancels, takes] = takeAlike(({ unanswered }) => unanswered());
  expect(cancels.waitMs()).toBeGreaterThan(0);
  expect(cancels.waitMs()).toBeGreaterThanOrEqual(takes.waitMs());
});

test("what one call takes beyond its share is owed by the next ones, two seconds' worth at most", () => {
  let now = 0;
  const calls = createMeter(() => now);
  const two = calls.account(2);
  two.spend(500);
  expect(two.waitMs()).toBe(2004);
  now = 1000;
  expect(two.waitMs()).toBe(1004);
  now = 2004;
  expect(two.waitMs()).toBe(0);
  two.spend(60_000);
  expect(two.waitMs()).toBe(2004);
  now += 60_000;
  expect(two.waitMs()).toBe(0);
  expect(calls.account(3).waitMs()).toBe(0);
  // Of a smaller share less is owed, also where that was larger before: nobody waits for longer.
  two.spend(400);
  for (let siteId = 3; siteId <= 22; siteId += 1) calls.account(siteId).spend(1);
  expect(two.waitMs()).toBe(2034);
  two.spend(400);
  expect(two.waitMs()).toBe(2034);
});
