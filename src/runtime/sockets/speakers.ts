import type { Log } from "#base/log.ts";
import type { DeployId } from "#base/names.ts";

import type { ProgramRef } from "../tenant.ts";
import type { Room, Socket, SocketSite } from "./socket.ts";

/** The program that a deploy has now: of the live one where `isLive`, whatever deploy is named. Undefined: there is none, or it may not run. */
export type CurrentProgram = (
  siteId: number,
  deploy: DeployId,
  isLive: boolean,
) => Promise<ProgramRef | undefined>;

/**
 * Decides whom a program may speak to: those who came by its deploy's own address, and those of the site's own address where it is
 * live, or was until a moment ago and finishes what it began.
 */
export type Speakers = {
  /** The program that an event of a socket goes to. */
  programOf: (socket: Socket) => Promise<ProgramRef | undefined>;
  /** Notes which deploy is live. */
  learn: (site: SocketSite, deploy: DeployId | undefined) => void;
  /** Rooms that a program of this deploy reaches; undefined where `ask` must be. */
  reach: (site: SocketSite, deploy: DeployId) => Room[] | undefined;
  /** The same, after asking which deploy is live. Never rejects. */
  ask: (site: SocketSite, deploy: DeployId) => Promise<Room[]>;
};

/** How long it is believed that a deploy is live. */
const BELIEVED_MS = 2000;
/** How long a deploy may finish after another took its place. */
const FINISHING_MS = 60_000;

/** Makes the judge. */
export function createSpeakers(
  { now, log }: { now: () => Date; log: Log },
  currentProgram: CurrentProgram,
): Speakers {
  function learn({ live }: SocketSite, deploy: DeployId | undefined): void {
    const nowMs = now().getTime();
    live.checkedAtMs = nowMs;
    if (live.deploy === deploy) return;
    for (const [of, untilMs] of live.before) if (untilMs <= nowMs) live.before.delete(of);
    if (live.deploy !== undefined) live.before.set(live.deploy, nowMs + FINISHING_MS);
    live.deploy = deploy;
  }

  function roomsNow(site: SocketSite, deploy: DeployId): Room[] {
    const { live, rooms } = site;
    const isHeard = live.deploy === deploy || (live.before.get(deploy) ?? 0) > now().getTime();
    return [isHeard ? rooms.get("") : undefined, rooms.get(deploy)].filter(
      (room) => room !== undefined,
    );
  }

  return {
    learn,
    async programOf({ room, deploy }) {
      const isLive = room.deploy === undefined;
      const program = await currentProgram(room.site.id, deploy, isLive);
      if (isLive) learn(room.site, program?.deploy);
      return program;
    },
    reach(site, deploy) {
      const ageMs = now().getTime() - site.live.checkedAtMs;
      const isKnown = !site.rooms.has("") || (ageMs >= 0 && ageMs < BELIEVED_MS);
      return isKnown ? roomsNow(site, deploy) : undefined;
    },
    async ask(site, deploy) {
      try {
        learn(site, (await currentProgram(site.id, deploy, true))?.deploy);
      } catch (cause) {
        log.error("program not found out", { site: site.name, cause });
      }
      return roomsNow(site, deploy);
    },
  };
}
