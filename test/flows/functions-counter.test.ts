import { expect, test } from "bun:test";

import { type AppStage, appStage, until } from "../support/app-stage.ts";

/** Counts keys for whoever asks, as the script example does. */
const COUNTER = `
const key = req.query.key ?? "count";
if (req.method === "POST") res.json({ count: db.add(key, 1) });
else if (req.path === "/keys") res.json(db.list("").map(({ key }) => key));
else res.json({ count: db.get(key) ?? 0 });
`;
/** A loaded machine must not turn counting into the limit of computing. */
const ROOM = {
  LAND_FUNCTIONS_CONCURRENCY: "500",
  LAND_FUNCTIONS_QUEUE: "10000",
  LAND_FUNCTIONS_CPU_SECONDS_PER_MINUTE: "600",
  LAND_FUNCTIONS_SCRIPT_CPU_MS: "5000",
  LAND_LOG_LEVEL: "warn",
};

const readCount = async (stage: AppStage, site: string, path = "/"): Promise<number> => {
  const answer = await stage.ask(site, path);
  return ((await answer.json()) as { count: number }).count;
};

/** Presses the button once. Undefined: nobody said that it counted. */
async function press(stage: AppStage, site: string, path = "/"): Promise<number | undefined> {
  try {
    const answer = await stage.ask(site, path, { method: "POST" });
    if (answer.status !== 200) return void (await answer.text());
    return ((await answer.json()) as { count: number }).count;
  } catch {
    return undefined; // the connection broke
  }
}

test("10,000 increments at once are counted, each once; they outlive SIGTERM, kill -9 and sites keep their own", async () => {
  await using stage = await appStage("count", { env: ROOM });
  await stage.deploy("one", { "main.ts": COUNTER });
  await stage.deploy("two", { "main.ts": COUNTER });
  await press(stage, "two");
  const counts = await Promise.all(Array.from({ length: 10_000 }, () => press(stage, "one")));
  expect(new Set(counts).size).toBe(10_000);
  expect(counts.reduce<number>((most, count) => Math.max(most, count ?? 0), 0)).toBe(10_000);
  expect(await readCount(stage, "one")).toBe(10_000);
  await press(stage, "one", "/?key=only-of-one");

  expect(await readCount(stage, "two")).toBe(1);
  expect(await (await stage.ask("two", "/keys")).json()).toEqual(["count"]);
  expect(await (await stage.ask("one", "/keys")).json()).toEqual(["count", "only-of-one"]);

  expect(await stage.restart("SIGTERM")).toBe(0);
  expect(await readCount(stage, "one")).toBe(10_000);
  expect(await press(stage, "one")).toBe(10_001);
  await stage.restart("SIGKILL");
  expect(await readCount(stage, "one")).toBe(10_001);
  expect(await readCount(stage, "two")).toBe(1);
  // Each increment is a way to the server and back, which waits for its turn where much else runs.
}, 600_000);

/** Presses `waves` times `size`, and kills in the middle of each; answers what was sent and what was acknowledged. */
async function pressUnderKills(
  stage: AppStage,
  waves: number,
  kill: (wave: number) => Promise<void>,
): Promise<{ sent: number; acknowledged: number[] }> {
  const size = 400;
  const acknowledged: number[] = [];
  for (let wave = 1; wave <= waves; wave += 1) {
    await until("it counts", async () => (await stage.ask("one", "/")).status === 200);
    const middle = Promise.withResolvers<void>();
    let done = 0;
    const presses = Array.from({ length: size }, async () => {
      const count = await press(stage, "one");
      if (count !== undefined) acknowledged.push(count);
      done += 1;
      if (done === size / 4) middle.resolve();
    });
    await middle.promise;
    await kill(wave);
    await Promise.all(presses);
  }
  return { sent: waves * size, acknowledged };
}

function expectCounted(count: number, told: { sent: number; acknowledged: number[] }): void {
  const { sent, acknowledged } = told;
  expect(acknowledged.length).toBeGreaterThan(0);
  // Nobody was given a number twice, and none that was given is lost.
  expect(new Set(acknowledged).size).toBe(acknowledged.length);
  expect(count).toBeGreaterThanOrEqual(Math.max(...acknowledged));
  expect(count).toBeGreaterThanOrEqual(acknowledged.length);
  expect(count).toBeLessThanOrEqual(sent);
}

test("kill -9 of the program in the middle: what was acknowledged is counted, and nothing twice", async () => {
  await using stage = await appStage("count-guest", { env: ROOM });
  await stage.deploy("one", { "main.ts": COUNTER });
  await press(stage, "one");
  const told = await pressUnderKills(stage, 4, async () => {
    for (const { pid } of await stage.processesOf("one")) process.kill(pid, "SIGKILL");
  });
  await until("it counts again", async () => (await stage.ask("one", "/")).status === 200);
  const count = await readCount(stage, "one");
  expectCounted(count - 1, { ...told, acknowledged: told.acknowledged.map((n) => n - 1) });
}, 180_000);

test("kill -9 of the server in the middle: every acknowledged increment is there", async () => {
  await using stage = await appStage("count-server", { env: ROOM });
  await stage.deploy("one", { "main.ts": COUNTER });
  const told = await pressUnderKills(stage, 4, async () => void (await stage.restart("SIGKILL")));
  expectCounted(await readCount(stage, "one"), told);
}, 180_000);
