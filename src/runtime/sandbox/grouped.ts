import type { Log } from "#base/log.ts";

import { type Cgroup, type CgroupLimits, type Cgroups, openCgroups } from "./cgroup.ts";
import type { GuestProcess } from "./spawn.ts";

/** The supervisor ends a program at its limit and tells why; the kernel steps in above, where memory grew faster than it looked. */
const HEADROOM = 1.25;
const THREADS = 128;
/** The server's own group has ten times that. */
const WEIGHT = 100;

/** Puts processes into control groups where the kernel has them for us; else hands them back as they are. */
export function createGrouping(
  memoryBytes: number,
  log: Log,
  open: () => Cgroups | undefined = openCgroups,
): (guest: GuestProcess) => GuestProcess {
  let opened: { groups: Cgroups | undefined } | undefined;
  const limits = {
    memoryBytes: Math.round(memoryBytes * HEADROOM),
    weight: WEIGHT,
    threads: THREADS,
  };
  return (guest) => {
    opened ??= { groups: open() };
    const group = opened.groups && joinGroup(opened.groups, guest, limits, log);
    if (group === undefined) return guest;
    void endGroup(group, guest, log);
    return {
      ...guest,
      kill() {
        group.kill();
        guest.kill();
      },
    };
  };
}

function joinGroup(
  groups: Cgroups,
  guest: GuestProcess,
  limits: CgroupLimits,
  log: Log,
): Cgroup | undefined {
  try {
    const group = groups.create(String(guest.pid), limits);
    group.add(guest.pid);
    return group;
  } catch (cause) {
    log.warn("sandbox.cgroup", { cause }); // the supervisor watches it all the same
    return undefined;
  }
}

async function endGroup(group: Cgroup, { pid, exited }: GuestProcess, log: Log): Promise<void> {
  await exited;
  if (group.ranOutOfMemory()) log.warn("sandbox.memory", { pid });
  group.remove();
}
