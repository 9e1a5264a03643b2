import type { PackageName } from "#base/names.ts";

import type { Placed } from "./marker.ts";

/** Where several installs wait for each other before the first of them changes anything. */
export type Gate = {
  /** Runs the install of `name`; what it is given must be awaited before its commit. It throws where another install failed. */
  pass: <T>(
    name: PackageName,
    install: (beforeCommit: (placed: Placed) => Promise<void>) => Promise<T>,
  ) => Promise<T>;
  /** Why the gate stayed shut: the trouble of the first install that failed, or of the check. */
  failure: () => unknown;
};

/**
 * Opens when each of `names` is ready to commit, or had nothing to do, and `check` of those that are ready does not throw. Shuts
 * for good as soon as one fails.
 */
export function createGate(
  names: ReadonlySet<PackageName>,
  check: (arrived: ReadonlyMap<PackageName, Placed>) => void,
): Gate {
  const waiting = new Set(names);
  const arrived = new Map<PackageName, Placed>();
  const open = Promise.withResolvers<void>();
  open.promise.catch(() => undefined); // whoever waits is told; there may be nobody
  let failure: unknown;
  const shut = (error: unknown): void => {
    failure ??= error;
    open.reject(error);
  };
  const done = (name: PackageName): void => {
    if (!waiting.delete(name) || waiting.size > 0) return;
    try {
      check(arrived);
      open.resolve();
    } catch (error) {
      shut(error);
    }
  };
  return {
    async pass(name, install) {
      try {
        return await install(async (placed) => {
          arrived.set(name, placed);
          done(name);
          await open.promise;
        });
      } catch (error) {
        shut(error);
        throw error;
      } finally {
        done(name);
      }
    },
    failure: () => failure,
  };
}
