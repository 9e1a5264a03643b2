import type { Turns } from "#base/turns.ts";
import type { GuestError, LoadMessage } from "#bridge/model.ts";

import type { ProgramRef } from "../tenant.ts";
import type { LoadedCode } from "./codes.ts";
import type { Disk } from "./disk-watch.ts";
import type { Exit, Instance, Why } from "./instance.ts";
import type { Lane } from "./lane.ts";
import type { Launched, Launcher } from "./launch.ts";
import { type Opening, openInstance, type Watcher, type Wiring } from "./open.ts";
import type { SupervisorParts } from "./parts.ts";
import type { Pool } from "./pool.ts";
import { refuse } from "./refusals.ts";
import { tellCrowded } from "./runner-lines.ts";
import { isSuspect, type Site } from "./site.ts";

/** What starts programs. */
export type Starter = {
  parts: SupervisorParts;
  launcher: Launcher;
  pool: Pool;
  /** Places for processes. */
  room: Lane;
  /** Makes a place where there is none, if anything can be ended. */
  makeRoom: () => void;
  /** Whether there is or will soon be a place among those of the site. */
  makeRoomOf: (site: Site) => boolean;
  /** Processes that close their sandbox at the same time. */
  turns: Turns;
  disk: Disk;
  codeOf: (ref: ProgramRef) => Promise<LoadedCode>;
  wiring: Wiring;
  watcher: Watcher;
  onInstance: (instance: Instance) => void;
  /** Its sandbox is closed, its program comes now. */
  onHello: (instance: Instance) => void;
};

/** What came of a start. */
export type Started =
  | { kind: "ready"; instance: Instance }
  | { kind: "broken"; error: GuestError }
  | { kind: "failed"; problem: string }
  /** It took too much before it ran; its owner was told. */
  | { kind: "ended"; why: Why };

const LOAD_PART_BYTES = 1024 * 1024;
/** Longest line of a program's log, in bytes. */
const LOG_LINE_BYTES = 8192;

/** Starts a program in a process of the pool, or in one of its own where it has a database. */
export async function startProgram(
  starter: Starter,
  site: Site,
  ref: ProgramRef,
): Promise<Started> {
  const { parts } = starter;
  while (site.clearing) await site.clearing;
  const { envVersion } = site;
  const [program, env, quotas] = await Promise.all([
    starter.codeOf(ref),
    parts.envOf(site.id),
    parts.quotasOf(site.id),
  ]);
  site.quotas = quotas;
  const { hasDatabase } = program;
  const isReadOnly = hasDatabase && (await starter.disk.isFull(site));
  await enterSite(starter, site, ref);
  const launched = await launch(starter, site, hasDatabase, isReadOnly);
  if ("problem" in launched) return { kind: "failed", problem: launched.problem };
  const opening = openInstance(
    launched,
    { ref, site, startedAt: parts.now(), hasDatabase, isReadOnly },
    starter.wiring,
    starter.watcher,
  );
  starter.onInstance(opening.instance);
  const load: LoadMessage = {
    name: ref.name,
    language: ref.language,
    env,
    database: hasDatabase,
    logLineBytes: LOG_LINE_BYTES,
    subrequests: parts.config["functions.subrequests"],
  };
  const started = await run(starter, opening, load, program.code);
  if (started.kind === "ready" && site.envVersion !== envVersion)
    opening.instance.link.control({ kind: "env", env: await parts.envOf(site.id) });
  return started;
}

/** Takes a place among those of the site: drafts of one site are not to take all that there are. Throws `busy`. */
async function enterSite(
  { makeRoomOf, parts: { config } }: Starter,
  site: Site,
  ref: ProgramRef,
): Promise<void> {
  const { room } = site;
  if (room.tryEnter()) return;
  if (!makeRoomOf(site)) {
    tellCrowded(site, ref, config);
    throw refuse("busy", "The site has too many processes");
  }
  await room.enter(undefined, config["functions.wallSeconds"] * 1000);
}

/** A process for the program, with its place. Where there is none, that among those of the site is given back. */
async function launch(
  starter: Starter,
  site: Site,
  hasDatabase: boolean,
  isReadOnly: boolean,
): Promise<Launched | { problem: string }> {
  try {
    const launched = await launchIn(starter, site, hasDatabase, isReadOnly);
    if ("problem" in launched) site.room.leave();
    return launched;
  } catch (error) {
    site.room.leave();
    throw error;
  }
}

async function launchIn(
  { launcher, pool, room, makeRoom, parts, turns, watcher: { nowMs } }: Starter,
  site: Site,
  hasDatabase: boolean,
  isReadOnly: boolean,
): Promise<Launched | { problem: string }> {
  const waiting = hasDatabase ? undefined : pool.take();
  if (waiting) return waiting;
  if (!room.tryEnter()) {
    makeRoom();
    await room.enter(undefined, parts.config["functions.wallSeconds"] * 1000);
  }
  try {
    const isAwaited = !isSuspect(site, nowMs());
    return await turns("", () =>
      hasDatabase
        ? launcher.launchOwn(site.id, isReadOnly, isAwaited)
        : Promise.resolve(launcher.launchGeneric(isAwaited)),
    );
  } catch (cause) {
    room.leave();
    parts.log.error("functions.launch", { site: site.id, cause });
    return { problem: "the system started no process" };
  }
}

/** Gives a process its program and waits until that runs. */
async function run(
  { parts, onHello }: Starter,
  { instance, hello, loaded }: Opening,
  load: LoadMessage,
  code: Uint8Array,
): Promise<Started> {
  const seconds = parts.config["functions.startSeconds"];
  const late = Promise.withResolvers<"late">();
  const timer = setTimeout(() => late.resolve("late"), seconds * 1000);
  try {
    await Promise.race([hello, late.promise]);
    onHello(instance);
    sendCode(instance, load, code);
    const said = await Promise.race([loaded, late.promise]);
    if (said === "late") {
      instance.kill();
      return { kind: "failed", problem: `it was not loaded within ${seconds} s` };
    }
    if ("broken" in said) {
      instance.kill();
      return { kind: "broken", error: said.broken };
    }
    if (instance.state === "starting") instance.state = "ready";
    instance.shape = said.shape;
    instance.handlers = said.handlers;
    return { kind: "ready", instance };
  } catch {
    const exit = await instance.ended;
    return instance.why
      ? { kind: "ended", why: instance.why }
      : { kind: "failed", problem: `its process ended before it ran (${describeExit(exit)})` };
  } finally {
    clearTimeout(timer);
  }
}

function sendCode({ link }: Instance, load: LoadMessage, code: Uint8Array): void {
  let from = 0;
  do {
    const part = code.subarray(from, from + LOAD_PART_BYTES);
    const head = from === 0 ? load : {};
    from += LOAD_PART_BYTES;
    link.control({ kind: "load", more: from < code.byteLength, ...head }, part);
  } while (from < code.byteLength);
}

/** How a process ended, in a few words. */
export function describeExit({ code, signal, problem }: Exit): string {
  if (problem) return problem;
  return signal ? `signal ${signal}` : `exit code ${code ?? "unknown"}`;
}
