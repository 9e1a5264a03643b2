import { expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createCpuBudget } from "#runtime/process/budget.ts";
import { createCrashes } from "#runtime/process/crashes.ts";
import { type Instance, isAsked } from "#runtime/process/instance.ts";
import { createMachineLoad } from "#runtime/process/machine.ts";
import { createPace } from "#runtime/process/pacing.ts";
import { createShelter } from "#runtime/process/shelter.ts";
import { beginAt, crowdOf, isRestless, moveTo, type Standing } from "#runtime/process/standing.ts";
import { around } from "#runtime/process/urgency.ts";
import { createSheltering } from "#runtime/process/watchdog.ts";

/** A process as these parts see it. */
function processOf(siteId: number, more: Partial<Instance> = {}): Instance {
  const site = {
    id: siteId,
    budget: { usedMs: () => 0 },
    crashes: createCrashes(),
    sentUntilMs: Number.NEGATIVE_INFINITY,
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all that is looked at
  return { pid: siteId, site, state: "ready", requests: 1, lastWorkMs: 0, ...more } as Instance;
}

function urgencyThatTells(): { told: string[]; urgency: Parameters<typeof moveTo>[0] } {
  const told: string[] = [];
  return {
    told,
    urgency: {
      begin: () => void told.push("begin"),
      await: () => void told.push("await"),
      settle: () => told.push("settle") > 0,
      lower: () => void told.push("lower"),
      shelter: () => void told.push("shelter"),
      gather: () => void told.push("gather"),
      forget: () => void told.push("forget"),
      cores: { low: [1], free: [0] },
    },
  };
}

const at = 0;
const calm = {
  isCrowded: false,
  staysFrom: Number.POSITIVE_INFINITY,
  hasNeighbours: (): boolean => false,
  at,
};
/** A process that was started. */
const begun = (): Standing => ({
  rate: 0,
  stand: "begun",
  raises: 0,
  used: 0,
  restlessMs: -Infinity,
  begunMs: -Infinity,
});

test("the first six ends of a site's processes cost nothing, then it waits 1, 2, 4 and at most 5 seconds", () => {
  const crashes = createCrashes();
  expect(Array.from({ length: 6 }, () => crashes.note(0))).toEqual([0, 0, 0, 0, 0, 0]);
  expect(Array.from({ length: 5 }, () => crashes.note(0))).toEqual([1, 2, 4, 5, 5]);
  expect(crashes.waitSeconds(4999)).toBe(1);
  expect(crashes.waitSeconds(5000)).toBe(0);
  crashes.reset();
  expect(crashes.note(5000)).toBe(0);
});

test("an end is forgotten after ten seconds: one now and then never waits", () => {
  const crashes = createCrashes();
  for (let n = 0; n < 100; n += 1) expect(crashes.note(n * 10_000)).toBe(0);
  expect(crashes.count(1_000_000)).toBe(0);
});

test("a process is settled when it answered, stands low while it does not, and comes back", () => {
  const { told, urgency } = urgencyThatTells();
  const instance = processOf(1);
  const standing = begun();
  moveTo(urgency, instance, standing, { ...calm, isBlocking: false, isSilent: true });
  expect(told).toEqual([]);
  moveTo(urgency, instance, standing, { ...calm, isBlocking: false, isSilent: false });
  moveTo(urgency, instance, standing, { ...calm, isBlocking: true, isSilent: true });
  moveTo(urgency, instance, standing, { ...calm, isBlocking: true, isSilent: true });
  moveTo(urgency, instance, standing, { ...calm, isBlocking: false, isSilent: false });
  expect(told).toEqual(["settle", "lower"]);
  moveTo(urgency, instance, standing, { ...calm, at: 500, isBlocking: false, isSilent: false });
  expect(told).toEqual(["settle", "lower", "settle"]);
});

test("those that share the cores of the low stay there while these are full", () => {
  const { told, urgency } = urgencyThatTells();
  const low = (rate: number): Standing => ({
    rate,
    stand: "low",
    raises: 0,
    used: rate,
    restlessMs: -Infinity,
    begunMs: -Infinity,
  });
  // Six that want a core each have one together; each looks as if it wanted a sixth.
  const all = [low(0.16), low(0.16), low(0.16), low(0.16), low(0.16), low(0.16), low(0.02)];
  const crowd = crowdOf(all, true);
  for (const standing of all)
    moveTo(urgency, processOf(1), standing, {
      ...calm,
      ...crowd,
      isBlocking: false,
      isSilent: false,
    });
  expect(all.map(({ stand }) => stand).join(" ")).toBe("low low low low low low settled");
  expect(told).toEqual(["settle"]);
  expect(crowdOf([low(0.1)], false)).toEqual({ isCrowded: false, staysFrom: Infinity });
});

test("what a site starts that crashes again and again stands low from the start", () => {
  const { told, urgency } = urgencyThatTells();
  const instance = processOf(1);
  beginAt(urgency, instance, begun(), calm, at);
  instance.site.crashes.note(at);
  instance.site.crashes.note(at);
  beginAt(urgency, instance, begun(), calm, at);
  expect(told).toEqual(["await", "lower"]);
});

test("beside sites that are asked a process begins on the cores left to it, and stays there while it computes", () => {
  const { told, urgency } = urgencyThatTells();
  const instance = processOf(1);
  const standing = begun();
  beginAt(urgency, instance, standing, { ...calm, hasNeighbours: () => true }, at);
  expect(told).toEqual([]);
  const now = { ...calm, isBlocking: false, isSilent: false };
  standing.used = 0.5;
  moveTo(urgency, instance, standing, now);
  expect([standing.stand, isRestless([standing])]).toEqual(["begun", true]);
  standing.used = 0.2;
  moveTo(urgency, instance, standing, now);
  expect([standing.stand, isRestless([standing])]).toEqual(["settled", false]);
  expect(told).toEqual(["settle"]);
});

test("beside sites that are asked it shows for a while how much it takes before it counts as one that behaves", () => {
  const crowd = { ...calm, hasNeighbours: (): boolean => true };
  const standsAfter = (looks: readonly [ms: number, used: number, rate: number][]): string[] => {
    const { urgency } = urgencyThatTells();
    const instance = processOf(1);
    const standing = begun();
    beginAt(urgency, instance, standing, crowd, at);
    return looks.map(([ms, used, rate]) => {
      Object.assign(standing, { used, rate });
      moveTo(urgency, instance, standing, { ...crowd, at: ms, isBlocking: false, isSilent: false });
      return standing.stand;
    });
  };
  // One that computes a little now and then, and one that spends its time on starting threads.
  const little = standsAfter([
    [4, 0, 0],
    [200, 0.5, 0.1],
    [249, 0, 0.1],
    [250, 0, 0.1],
  ]);
  expect(little).toEqual(["begun", "begun", "begun", "settled"]);
  const much = standsAfter([
    [4, 0, 0],
    [250, 0, 0.4],
  ]);
  expect(much).toEqual(["begun", "begun"]);
});

test("where it is crowded, who took much of the last ten seconds is less urgent, who took little of a minute is not", () => {
  const crowded = { ...calm, isCrowded: true, isBlocking: false, isSilent: false };
  const standAfter = (msPerSecond: number, seconds: number): string => {
    const { urgency } = urgencyThatTells();
    const instance = processOf(1);
    const budget = createCpuBudget(60_000);
    Object.assign(instance.site, { budget });
    for (let second = 0; second < seconds; second += 1) budget.add(second * 1000, msPerSecond);
    const standing: Standing = { ...begun(), stand: "settled" };
    moveTo(urgency, instance, standing, { ...crowded, at: seconds * 1000 - 1 });
    return standing.stand;
  };
  expect([standAfter(150, 60), standAfter(1000, 3), standAfter(250, 10)]).toEqual([
    "settled",
    "low",
    "low",
  ]);
});

test("programs that are with the server are let go with it, but where they have another place by then", () => {
  const told: string[] = [];
  const shelter = createShelter({
    shelter() {},
    displace() {},
    expose() {},
    gather: (pid) => void told.push(`gather ${pid}`),
    release: (pid) => void told.push(`release ${pid}`),
  });
  shelter.gather([1, 2]);
  shelter.gather([1, 2, 3]);
  shelter.leave(2);
  shelter.gather([3]);
  shelter.gather([]);
  expect(told).toEqual(["gather 1", "gather 2", "gather 3", "release 1", "release 3"]);
});

test("programs have all cores again as soon as those that are kept free are full, also where nothing holds the others any more", () => {
  const told: string[] = [];
  let free = 0.5;
  const shelter = createSheltering(
    { shelter: () => void told.push("shelter"), gather: (pids) => void told.push(pids.join()) },
    { free: () => free },
  );
  shelter(0, [1, 2]);
  shelter(50, undefined);
  free = 0.9;
  shelter(100, undefined);
  free = 0.5;
  shelter(3000, [1, 2]);
  shelter(3100, [1, 2]);
  expect(told).toEqual(["shelter", "1,2", "", "shelter", "", "shelter", "1,2"]);
});

test("what the kernel does not let us make more urgent stays on the cores of the low", () => {
  const told: string[] = [];
  let isSettled = false;
  const tell = (word: string) => (pid: number) => void told.push(`${word} ${pid}`);
  const cores = { gather() {}, shelter() {}, displace() {}, expose() {}, free: [0], rest: [1] };
  const urgency = around(
    { begin() {}, settle: () => isSettled, lower() {} },
    {
      slices: { set() {} },
      cores: { ...cores, confine: tell("confine"), release: tell("release") },
      shelter: { hold() {}, gather() {}, leave() {} },
    },
  );
  urgency.lower(1);
  expect(urgency.settle(1)).toBe(false);
  isSettled = true;
  expect(urgency.settle(1)).toBe(true);
  expect(told).toEqual(["confine 1", "release 1"]);
});

test("who is asked often and of late counts as a neighbour, its own site does not", () => {
  const [once, often] = [processOf(1), processOf(2, { requests: 9, lastWorkMs: 500 })];
  const asked = (now: number, except?: Instance["site"]): boolean =>
    isAsked([once, often], now, { ...(except && { except }), times: 9 });
  expect([asked(1000), asked(1500), asked(1000, often.site)]).toEqual([true, false, false]);
});

test("a stream goes on at once, but where it is crowded and others are asked", async () => {
  const [own, other] = [processOf(1), processOf(2)];
  let isCrowded = false;
  const instances = new Set([own]);
  const startedMs = performance.now();
  const nowMs = (): number => performance.now() - startedMs;
  const pace = createPace({ nowMs, isCrowded: () => isCrowded, instances });
  const megabyte = 1024 * 1024;
  const send = async (megabytes: number): Promise<number> => {
    const fromMs = performance.now();
    for (let n = 0; n < megabytes; n += 1) await pace(own, megabyte);
    return performance.now() - fromMs;
  };
  // All of this would take a hundred times as long if it were paced.
  await send(1000);
  isCrowded = true;
  await send(1000);
  instances.add(other);
  other.lastWorkMs = nowMs() + 10_000;
  // A quarter of a second is free at most.
  expect(await send(16)).toBeGreaterThan(700);
});

test("the load of the machine is read as the kernel counts it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "land-machine-"));
  const path = join(folder, "stat");
  try {
    // Of three cores one is for others than this server.
    await writeFile(path, "cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 10 0 0 90\ncpu1 0 0 0 5\n");
    const cores = { low: [0], free: [1] };
    const load = createMachineLoad(cores, path);
    const unnumbered = createMachineLoad({ low: [7], free: [] }, path);
    await writeFile(path, "cpu  150 10 120 810 10 0 0 0 0 0\ncpu0 20 0 0 90\ncpu1 9 0 0 6\n");
    expect([load.all(100_000), load.low(100_000), load.free(100_000)]).toEqual([
      expect.closeTo(0.8),
      1,
      expect.closeTo(0.9),
    ]);
    expect([unnumbered.low(100_000), unnumbered.free(100_000)]).toEqual([
      expect.closeTo(0.8),
      expect.closeTo(0.8),
    ]);
    // Too soon to tell anything new.
    await writeFile(path, "cpu  150 10 120 910 10 0 0 0 0 0\n");
    expect(load.all(100_010)).toBeCloseTo(0.8);
    expect(load.all(110_000)).toBeCloseTo(0);
    expect(createMachineLoad(cores, join(folder, "none")).all(0)).toBe(0);
  } finally {
    await rm(folder, { recursive: true });
  }
});
