import type { ServerConfig } from "#base/config.ts";
import { printable } from "#base/names.ts";
import type { GuestError } from "#bridge/model.ts";

import type { ProgramRef } from "../tenant.ts";
import type { Site } from "./site.ts";
import type { Started } from "./start.ts";

/** What the owner of a program reads when it does not start, or is asked too much. */

/** It cannot be loaded; the stack names the author's lines. */
export function tellBroken(
  site: Site,
  ref: ProgramRef,
  { name, message, stack }: GuestError,
): void {
  const isOurs = isSentence(name);
  const error = isOurs ? message : `${name}: ${message}`;
  site.tell(ref, {
    level: "error",
    message: `The program cannot be loaded: ${stack === "" || isOurs ? error : stack}`,
    data: { code: "program_broken", deploy: ref.deploy, error },
  });
}

/** What the sandbox itself has against it is a sentence for its author. */
function isSentence(name: string): boolean {
  return name === "ProgramProblem";
}

/** The same in one line, for who deploys it: the error with the place where it was thrown. */
export function problemOf(started: Exclude<Started, { kind: "ready" }>): string {
  if (started.kind === "failed") return printable(started.problem);
  if (started.kind === "ended") return printable(started.why.message);
  const { name, message, stack } = started.error;
  const [line = ""] = message.split("\n", 1);
  if (isSentence(name)) return printable(line);
  const [, place] = /^ +(at .+)$/m.exec(stack) ?? [];
  return printable(`${name}: ${line}${place === undefined ? "" : ` ${place}`}`);
}

/** Its process ended before it ran. */
export function tellFailed(site: Site, ref: ProgramRef, problem: string, seconds: number): void {
  site.tell(ref, {
    level: "error",
    message: `The program did not start: ${problem}; it is tried again in ${seconds} s`,
    data: { code: "start_failed", deploy: ref.deploy, retryAfterSeconds: seconds },
  });
}

/** Its processes were ended too often of late. */
export function tellPaused(site: Site, ref: ProgramRef, seconds: number): void {
  site.tell(ref, {
    level: "warn",
    message: `The program's processes were ended too often of late: it starts again in ${seconds} s at the earliest`,
    data: { code: "crashed", deploy: ref.deploy, retryAfterSeconds: seconds },
  });
}

/** The site has as many processes as it may. */
export function tellCrowded(site: Site, ref: ProgramRef, config: ServerConfig): void {
  const limit = config["functions.processesPerSite"];
  site.tell(ref, {
    level: "warn",
    message: `The program was not started: ${limit} deploys of the site are at work, and no more may be at a time`,
    data: { code: "busy", deploy: ref.deploy, processes: limit },
  });
}

/** There was no room for a request. */
export function tellRefused(site: Site, ref: ProgramRef, config: ServerConfig): void {
  const [concurrency, queue] = [config["functions.concurrency"], config["functions.queue"]];
  site.tell(ref, {
    level: "warn",
    message: `A request was refused: ${concurrency} are being answered and ${queue} may wait`,
    data: { code: "busy", deploy: ref.deploy, concurrency, queue },
  });
}
