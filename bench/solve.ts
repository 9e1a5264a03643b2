/**
 * How long the solver takes, without network: `bun bench/solve.ts [packages] [versions]`. Prints median ms of 5 runs.
 * The registries are made from a fixed seed, so that two runs measure the same work.
 */
import { parseVersion, type Version } from "#base/names.ts";
import type { Candidate, SolveInput } from "#solve/model.ts";
import { solve } from "#solve/solve.ts";

const RUNS = 5;
const packageCount = Number(process.argv[2] ?? 5000);
const versionCount = Number(process.argv[3] ?? 10);

/** Numbers below `limit`, the same ones for the same seed. */
function createDice(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

type Registry = Map<string, Candidate[]>;

/** Each package needs the one after it and a few others anywhere, cycles included; `range` says which versions. */
function makeRegistry(
  packages: number,
  versions: number,
  range: (dice: (limit: number) => number, name: string, version: number) => string,
): Registry {
  const dice = createDice(42);
  const registry: Registry = new Map();
  for (let at = 0; at < packages; at++) {
    const candidates = Array.from({ length: versions }, (_, version) => {
      const names = [`p${at + 1}`, ...Array.from({ length: 4 }, () => `p${dice(packages)}`)];
      const wanted = names.filter((name) => name !== `p${packages}` && name !== `p${at}`);
      const dependencies = Object.fromEntries(
        wanted.map((name) => [name, range(dice, name, version)]),
      );
      return {
        version: parseVersion(`1.${version}.0`),
        dependencies,
        optionalDependencies: {},
        yanked: false,
      };
    });
    registry.set(`p${at}`, candidates);
  }
  return registry;
}

async function measure(
  title: string,
  registry: Registry,
  dependencies: Record<string, string>,
  about: { roundTripMs?: number; locked?: ReadonlyMap<string, Version> } = {},
): Promise<ReadonlyMap<string, Version>> {
  const input: SolveInput = {
    root: { dependencies, devDependencies: {}, optionalDependencies: {}, overrides: {} },
    locked: about.locked ?? new Map(),
    versionsOf: async (name) => {
      if (about.roundTripMs !== undefined) await Bun.sleep(about.roundTripMs);
      return registry.get(name);
    },
  };
  const times: number[] = [];
  let result = await solve(input);
  for (let run = 0; run < RUNS; run++) {
    const begin = performance.now();
    result = await solve(input);
    times.push(performance.now() - begin);
  }
  const median = times.toSorted((a, b) => a - b)[Math.floor(RUNS / 2)] ?? 0;
  const outcome = result.ok ? `${result.solution.packages.length} packages` : result.failure.kind;
  console.log(`${title.padEnd(44)} ${median.toFixed(1).padStart(8)} ms   ${outcome}`);
  return new Map(result.ok ? result.solution.packages.map((p) => [p.name, p.version]) : []);
}

const size = `${packageCount} × ${versionCount}`;
const loose = makeRegistry(packageCount, versionCount, (dice) => `^1.${dice(3)}.0`);
const locked = await measure(`${size}, ranges that fit`, loose, { p0: "^1.0.0" });
await measure(`${size}, everything locked`, loose, { p0: "^1.0.0" }, { locked });
const mixed = makeRegistry(packageCount, versionCount, (dice) =>
  dice(12) === 0 ? `<1.${versionCount - 1 - dice(3)}.0` : `^1.${dice(3)}.0`,
);
await measure(`${size}, one range in 12 caps the newest`, mixed, { p0: "^1.0.0" });
for (const chance of [16, 8, 6, 4, 3, 2]) {
  const tight = makeRegistry(200, versionCount, (dice) =>
    dice(chance) === 0 ? `1.${dice(versionCount)}.0` : `>=1.${dice(5)}.0`,
  );
  await measure(`200 × ${versionCount}, one range in ${chance} exact`, tight, { p0: "*" });
}
const chain: Registry = new Map();
for (let at = 0; at < packageCount; at++) {
  const version = parseVersion("1.0.0");
  const dependencies = { [`c${at + 1}`]: "^1.0.0" };
  chain.set(`c${at}`, [{ version, dependencies, optionalDependencies: {}, yanked: false }]);
}
await measure(`a chain of ${packageCount}, the last one missing`, chain, { c0: "*" });
const small = makeRegistry(300, versionCount, (dice) => `^1.${dice(3)}.0`);
await measure(
  `300 × ${versionCount}, 20 ms a request`,
  small,
  { p0: "^1.0.0" },
  { roundTripMs: 20 },
);
