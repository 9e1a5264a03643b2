import { archOf } from "./arch.ts";
import { askLimit, confineSteps, fillUid } from "./confine.ts";
import { lookByCalls } from "./files.ts";
import { landlockAbi } from "./landlock.ts";
import { openSyscalls } from "./libc.ts";
import { giveAway } from "./own.ts";
import { hostPlace } from "./place.ts";
import { EXIT, type LaunchPlan } from "./plan.ts";
import { programCommand } from "./program.ts";
import { createSlot, perform } from "./steps.ts";
import { judgeAbi } from "./support.ts";

/**
 * Confines this process as its plan says and becomes `land __guest`, with the same pid. Never returns: where a step fails it ends with code 71
 * and says on stderr which. It is the way where the server cannot have the same calls made without a whole program (`direct.ts`).
 */
export function launch(json: string): never {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the server wrote it
    return end(confine(JSON.parse(json) as LaunchPlan));
  } catch (cause) {
    return end(cause instanceof Error ? cause.message : String(cause));
  }
}

/** Why it could not. */
function confine(plan: LaunchPlan): string {
  const arch = archOf();
  if (arch === undefined) return `no filter for ${process.arch}`;
  const syscall = openSyscalls();
  const files = lookByCalls(syscall);
  const abi = landlockAbi(syscall);
  const lacking = judgeAbi(abi, plan.uid !== null);
  if (lacking !== undefined) return lacking;
  const [, ...script] = programCommand();
  const { writable: site, readOnly } = plan;
  // What this process runs, without links on the way.
  const binary = files.readLink("/proc/self/exe");
  const host = hostPlace(files, { binary, script, site, readOnly });
  const machine = { arch, abi, host, files, mostOf: askLimit(syscall) };
  const uid = createSlot();
  fillUid(uid, plan);
  const steps = confineSteps(plan, machine, uid);
  if (plan.uid !== null && site !== null) giveAway(syscall, files, site, plan.uid);
  return perform(syscall, steps) ?? "nothing was started";
}

function end(problem: string): never {
  process.stderr.write(`Cannot confine a program: ${problem}\n`);
  process.exit(EXIT.launch);
}
