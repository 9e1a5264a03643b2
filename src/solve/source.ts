import type { SolveInput } from "./model.ts";
import type { Overrides } from "./overrides.ts";
import {
  createPack,
  isPackageName,
  type Pack,
  type Requirement,
  requirementsOf,
  usable,
  versionsIn,
} from "./pack.ts";
import { highestOf, lowestOf, type VersionSet } from "./sets.ts";

/** The registry as the solver sees it: each package fetched once, ahead of need, and kept for later searches. */
export type Source = {
  /** Fetches all these packages at the same time. What `versionsOf` throws for the first that failed comes out. */
  load: (names: readonly string[]) => Promise<void>;
  /** A package that was loaded. */
  get: (name: string) => Pack | undefined;
  /** What one version of a package requires. */
  requirements: (pack: Pack, bit: number) => readonly Requirement[];
  /** The version to try first among those left: locked, then stable, then the newest (or oldest). Never of an empty set. */
  prefer: (pack: Pack, allowed: VersionSet) => number;
  /** Fetches what is likely to be needed below these requirements. Changes no result, only how soon it is there. */
  foresee: (requirements: readonly Requirement[]) => void;
  /** Ends foresight. */
  close: () => void;
};

/** Makes the view of the registry for one solve. */
export function createSource(input: SolveInput, overrides: Overrides): Source {
  const loaded = new Map<string, Pack>();
  const loading = new Map<string, Promise<Pack>>();
  const foreseen = new Set<string>();
  let closed = false;

  const start = (name: string): Promise<Pack> => {
    const running = loading.get(name);
    if (running) return running;
    const promise = (async () => {
      const listed = isPackageName(name) ? await input.versionsOf(name) : undefined;
      const about = { locked: input.locked.get(name), landVersion: input.landVersion };
      const pack = createPack(name, listed, about);
      loaded.set(name, pack);
      return pack;
    })();
    loading.set(name, promise);
    return promise;
  };

  const prefer = (pack: Pack, allowed: VersionSet): number => {
    const locked = allowed & pack.locked;
    const stable = allowed & pack.stable;
    const pool = locked !== 0n ? locked : stable !== 0n ? stable : allowed;
    return input.mode === "lowest" ? lowestOf(pool) : highestOf(pool);
  };

  const requirements = (pack: Pack, bit: number): readonly Requirement[] =>
    requirementsOf(pack, bit, overrides);

  const foreseeOne = async ({ name, range }: Requirement): Promise<void> => {
    const pack = await start(name);
    const likely = usable(pack, versionsIn(pack, range) ?? 0n);
    if (!closed && likely !== 0n) foresee(requirements(pack, prefer(pack, likely)));
  };

  const foresee = (wanted: readonly Requirement[]): void => {
    for (const requirement of wanted) {
      if (foreseen.has(requirement.name)) continue;
      foreseen.add(requirement.name);
      // A failure matters only if the package is needed; then `load` throws it.
      foreseeOne(requirement).catch(() => undefined);
    }
  };

  return {
    async load(names) {
      const missing = names.filter((name) => !loaded.has(name));
      const promises = missing.map(start);
      // Each is awaited in turn, so that of two failures the same one is thrown whatever came first.
      for (const promise of promises) promise.catch(() => undefined);
      for (const promise of promises) await promise;
    },
    get: (name) => loaded.get(name),
    requirements,
    prefer,
    foresee,
    close: () => void (closed = true),
  };
}
