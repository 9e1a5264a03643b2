import { expect, test } from "bun:test";

import { Elysia } from "elysia";

import { problems } from "#http/problems.ts";
import { cronRoutes } from "#runtime/crons/cron-routes.ts";
import { codeOf } from "#test/support/people.ts";

import { cronWorld, MINUTE } from "./crons-world.ts";

const never = () => new Promise<never>(() => undefined);

test("a schedule runs when it is due, and tells when it is next", async () => {
  await using world = await cronWorld();
  await world.live(["*/5 * * * *", "0 13 * * *"]);
  expect(await world.nextAt()).toEqual(["2026-03-01T12:05:00.000Z", "2026-03-01T13:00:00.000Z"]);
  await world.pass(4 * MINUTE);
  await world.crons().settled();
  expect(world.ran).toEqual([]);
  await world.pass(MINUTE);
  await world.crons().settled();
  expect(world.ran).toEqual(["*/5 * * * * 12:05"]);
  expect(await world.nextAt()).toEqual(["2026-03-01T12:10:00.000Z", "2026-03-01T13:00:00.000Z"]);
  expect(await world.runs()).toMatchObject([
    {
      outcome: "done",
      attempt: 1,
      dueAt: "2026-03-01T12:05:00.000Z",
      problem: null,
      retryAt: null,
    },
  ]);
});

test("the schedules are those of the live program: others go, the same keep their time", async () => {
  await using world = await cronWorld();
  await world.live(["*/5 * * * *", "*/7 * * * *"]);
  world.ctx.pass(MINUTE);
  await world.live(["*/5 * * * *", "30 * * * *"]);
  expect(await world.nextAt()).toEqual(["2026-03-01T12:05:00.000Z", "2026-03-01T12:30:00.000Z"]);
  await world.live(undefined);
  expect(await world.nextAt()).toEqual([]);
  await world.pass(60 * MINUTE);
  expect(world.ran).toEqual([]);
});

test("no overlap: a due time that comes while the last one runs goes by, and is told", async () => {
  await using world = await cronWorld();
  const { promise, resolve } = Promise.withResolvers<void>();
  world.does(() => promise);
  await world.live(["* * * * *", "*/2 * * * *"]);
  await world.pass(MINUTE);
  await world.pass(MINUTE);
  await world.pass(MINUTE);
  resolve();
  await world.crons().settled();
  expect(world.ran).toEqual(["* * * * * 12:01", "*/2 * * * * 12:02"]);
  expect(await world.runs()).toMatchObject([
    { cron: "*/2 * * * *", outcome: "done", problem: null },
    {
      cron: "* * * * *",
      outcome: "done",
      problem: "2 due times came while it ran, and went by",
    },
  ]);
});

test("a run that fails is tried again twice, later each time, then given up", async () => {
  await using world = await cronWorld();
  world.does(() => Promise.reject(new Error("no \u001b[2J luck\nat any time")));
  await world.live(["0 13 * * *"]);
  await world.pass(60 * MINUTE);
  await world.crons().settled();
  expect((await world.runs())[0]).toMatchObject({
    outcome: "failed",
    problem: "no \uFFFD[2J luck",
    requestId: "run-1",
    retryAt: "2026-03-01T13:00:30.000Z",
  });
  await world.pass(MINUTE / 2);
  await world.crons().settled();
  await world.pass(5 * MINUTE);
  await world.crons().settled();
  await world.pass(60 * MINUTE);
  await world.crons().settled();
  expect(world.ran).toEqual(["0 13 * * * 13:00", "0 13 * * * 13:00", "0 13 * * * 13:00"]);
  expect((await world.runs()).map(({ attempt, retryAt }) => [attempt, retryAt])).toEqual([
    [3, null],
    [2, null],
    [1, null],
  ]);
});

test("a run is not tried again where the program says so, or where its next time has come", async () => {
  await using world = await cronWorld();
  world.does(() => Promise.reject(Object.assign(new Error("never again"), { code: "no_retry" })));
  await world.live(["* * * * *"]);
  await world.pass(MINUTE);
  await world.crons().settled();
  expect((await world.runs())[0]).toMatchObject({ outcome: "failed", retryAt: null });
  world.does(() => Promise.reject(new Error("once")));
  await world.pass(MINUTE);
  await world.crons().settled();
  world.does(() => Promise.resolve());
  await world.pass(MINUTE);
  await world.crons().settled();
  expect((await world.runs()).map(({ attempt, outcome }) => `${outcome} ${attempt}`)).toEqual([
    "done 1",
    "failed 1",
    "failed 1",
  ]);
  await world.pass(MINUTE / 2);
  await world.crons().settled();
  expect(world.ran).toHaveLength(3);
});

test("a retry of a schedule that is gone is given up", async () => {
  await using world = await cronWorld();
  world.does(() => Promise.reject(new Error("no")));
  await world.live(["* * * * *"]);
  await world.pass(MINUTE);
  await world.crons().settled();
  await world.live(["0 0 1 1 *"]);
  await world.pass(10 * MINUTE);
  await world.crons().settled();
  expect(world.ran).toHaveLength(1);
  expect((await world.runs())[0]?.retryAt).toBe(null);
});

test("a run has its time, and then it failed", async () => {
  await using world = await cronWorld({ "functions.cronSeconds": 1 });
  let aborted = "";
  world.does((signal) => {
    signal.addEventListener("abort", () => void (aborted = String(signal.reason)));
    return never();
  });
  await world.live(["* * * * *"]);
  await world.pass(MINUTE);
  await world.crons().settled();
  expect((await world.runs())[0]).toMatchObject({
    outcome: "failed",
    problem: "it took longer than 1 seconds",
  });
  expect(aborted).toContain("longer than 1 seconds");
});

test("times that were missed while the server was down are made up for once", async () => {
  await using world = await cronWorld();
  await world.live(["*/5 * * * *"]);
  await world.restart(60 * MINUTE);
  expect(world.ran).toEqual(["*/5 * * * * 12:05"]);
  expect(await world.nextAt()).toEqual(["2026-03-01T13:05:00.000Z"]);
});

test.each(["stop", "kill"] as const)(
  "at least once: a run that a server left by %s is lost and tried again",
  async (how) => {
    await using world = await cronWorld();
    world.does(never);
    await world.live(["0 13 * * *"]);
    await world.pass(60 * MINUTE);
    expect((await world.runs())[0]?.outcome).toBe("running");
    world.does(() => Promise.resolve());
    await world.restart(MINUTE, how);
    expect(world.ran).toEqual(["0 13 * * * 13:00", "0 13 * * * 13:00"]);
    expect((await world.runs()).map(({ attempt, outcome }) => `${outcome} ${attempt}`)).toEqual([
      "done 2",
      "lost 1",
    ]);
  },
);

test("what was lost a day ago is not made up for", async () => {
  await using world = await cronWorld();
  world.does(never);
  await world.live(["0 13 2 * *"]);
  await world.pass(25 * 60 * MINUTE);
  world.does(() => Promise.resolve());
  await world.restart(25 * 60 * MINUTE, "kill");
  expect(world.ran).toHaveLength(1);
  expect(await world.runs()).toMatchObject([{ outcome: "lost", retryAt: null }]);
});

test("of the history only so much is kept", async () => {
  await using world = await cronWorld({ "functions.cronRuns": 3 });
  await world.live(["* * * * *"]);
  for (let n = 0; n < 6; n += 1) {
    await world.pass(MINUTE);
    await world.crons().settled();
  }
  expect(await world.runs()).toHaveLength(3);
});

test("of a site four runs go at a time; the others wait", async () => {
  await using world = await cronWorld();
  const { promise, resolve } = Promise.withResolvers<void>();
  world.does(() => promise);
  await world.live(Array.from({ length: 6 }, (_, n) => `0 ${n + 12} * * *`).concat("1 12 * * *"));
  await world.pass(24 * 60 * MINUTE);
  await Bun.sleep(10);
  expect(world.ran).toHaveLength(4);
  resolve();
  await world.crons().settled();
  expect(world.ran).toHaveLength(7);
});

test("the timer begins by itself what is due", async () => {
  await using world = await cronWorld();
  const { promise, resolve } = Promise.withResolvers<void>();
  world.does(() => Promise.resolve(resolve()));
  world.ctx.pass(MINUTE - 100);
  await world.live(["* * * * *"]);
  world.ctx.pass(200);
  await promise;
  expect(world.ran).toEqual(["* * * * * 12:01"]);
});

test("the routes: list, runs by page, run now", async () => {
  await using world = await cronWorld();
  const { ctx, ada } = world;
  const app = new Elysia().use(problems({ ctx })).use(cronRoutes(ctx, world.crons()));
  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await app.fetch(
      new Request(`http://127.0.0.1/sites/blog/crons${path}`, {
        method,
        headers: {
          authorization: `Bearer ${ada.token}`,
          ...(body !== undefined && { "content-type": "application/json" }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    );
    return { status: answer.status, value: (await answer.json()) as Record<string, unknown> };
  };
  expect(await call("GET", "")).toEqual({ status: 200, value: { items: [] } });
  await world.live(["0 4 * * *"]);
  const { promise, resolve } = Promise.withResolvers<void>();
  world.does(() => promise);
  expect(await call("POST", "/run", { cron: "0 4 * * *" })).toMatchObject({
    status: 202,
    value: { outcome: "running", attempt: 1, cron: "0 4 * * *", timeZone: "UTC" },
  });
  expect(await call("POST", "/run", { cron: "0 4 * * *" })).toMatchObject({
    status: 409,
    value: { code: "cron_running" },
  });
  resolve();
  await world.crons().settled();
  world.does(() => Promise.reject(new Error("no")));
  await call("POST", "/run", { cron: "0 4 * * *", timeZone: "UTC" });
  await world.crons().settled();
  for (const body of [{ cron: "0 5 * * *" }, { cron: "0 4 * * *", timeZone: "Europe/Berlin" }])
    expect((await call("POST", "/run", body)).value).toMatchObject({ code: "cron_not_found" });
  expect((await call("POST", "/run", {})).status).toBe(422);
  const first = (await call("GET", "/runs?limit=1")).value;
  expect(first["items"]).toMatchObject([{ outcome: "failed", problem: "no", retryAt: null }]);
  const second = (await call("GET", `/runs?limit=1&cursor=${String(first["next"])}`)).value;
  expect(second).toMatchObject({ items: [{ outcome: "done" }], next: null });
  expect((await call("GET", "")).value).toMatchObject({
    items: [{ cron: "0 4 * * *", nextAt: "2026-03-02T04:00:00.000Z", last: { outcome: "failed" } }],
  });
  await world.live(undefined);
  const now = world.crons().runNow(world.siteId, { cron: "0 4 * * *", timeZone: "UTC" });
  expect(await codeOf(() => now)).toBe("cron_not_found");
});
