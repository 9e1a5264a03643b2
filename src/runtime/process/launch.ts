import { closeSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { createRing, type Ring } from "../link/ring.ts";
import type { GuestPlan, GuestProcess } from "../sandbox/spawn.ts";
import type { SupervisorParts } from "./parts.ts";
import type { Urgency } from "./urgency.ts";

/** A process without a program yet, with what belongs to it. */
export type Launched = {
  process: GuestProcess;
  ring: Ring;
  hasEnded: () => boolean;
};

/** Starts processes and keeps their user ids apart. */
export type Launcher = {
  /** A process that may write nowhere and runs any program; `isAwaited`: somebody waits for it. Throws the error of the system. */
  launchGeneric: (isAwaited: boolean) => Launched;
  /** A process in the folder of a site. Throws the error of the system. */
  launchOwn: (siteId: number, isReadOnly: boolean, isAwaited: boolean) => Promise<Launched>;
  folderOf: (siteId: number) => string;
};

/** Offsets of user ids: below it sites by their ids, from it on processes of the pool. */
const FIRST_SLOT = 100_000;
/** The last one is the launcher's own. */
const SLOTS = 99_999;

/** Makes the launcher of a server. */
export function createLauncher(
  { dir, spawner }: SupervisorParts,
  urgency: Pick<Urgency, "begin">,
): Launcher {
  const used = new Set<number>();
  let lastSlot = -1;

  /** The slot that was free for the longest, more or less: what a process left behind shall not meet its heir. */
  function takeSlot(): number {
    do lastSlot = (lastSlot + 1) % SLOTS;
    while (used.has(lastSlot));
    used.add(lastSlot);
    return lastSlot;
  }

  function launch(plan: Omit<GuestPlan, "ring">, isAwaited: boolean, onEnd: () => void): Launched {
    const ring = createRing();
    let hasEnded = false;
    const end = (): void => {
      hasEnded = true;
      onEnd();
    };
    try {
      const process = spawner.spawn({ ...plan, ring: ring.fd });
      urgency.begin(process.pid, isAwaited);
      void process.exited.then(end, end);
      return { process, ring, hasEnded: () => hasEnded };
    } catch (error) {
      ring.close();
      end();
      throw error;
    }
  }

  const folderOf = (siteId: number): string => join(dir, String(siteId));
  return {
    folderOf,
    launchGeneric(isAwaited) {
      const slot = takeSlot();
      return launch({ uid: FIRST_SLOT + slot }, isAwaited, () => used.delete(slot));
    },
    async launchOwn(siteId, isReadOnly, isAwaited) {
      if (siteId >= FIRST_SLOT)
        throw new Error(`only sites with an id below ${FIRST_SLOT} can have a database`);
      const writable = folderOf(siteId);
      await mkdir(writable, { recursive: true, mode: 0o700 });
      const plan = { writable, uid: siteId, ...(isReadOnly && { readOnly: true }) };
      return launch(plan, isAwaited, () => {});
    },
  };
}

/** Gives back what belongs to a process that ended before it was given a program. */
export function discard({ process, ring }: Launched): void {
  closeSync(process.link);
  closeSync(process.sync);
  ring.close();
}
