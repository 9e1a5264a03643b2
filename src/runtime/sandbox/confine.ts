import { DESCRIPTORS } from "#bridge/model.ts";

import type { Arch } from "./arch.ts";
import type { Look } from "./files.ts";
import { filterStep } from "./filter.ts";
import { landlockSteps, RIGHTS, type Rule } from "./landlock.ts";
import { ERRNO, type Syscall } from "./libc.ts";
import type { Place } from "./place.ts";
import type { LaunchPlan } from "./plan.ts";
import { rootSteps } from "./root.ts";
import { createSlot, type Slot, type Step, wordsOf } from "./steps.ts";

const CLOSE_ON_EXEC = 4;
const CLONE_NEWNS = 0x00020000;
const F_SETFD = 2;
const PR_SET_PDEATHSIG = 1;
const PR_CAPBSET_DROP = 24;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;
const CAPABILITIES = 64;
const SIGKILL = 9;
const SIGXFSZ = 25;
const SIG_IGN = 1;
/** Means "leave it as it is" to the kernel; what is above would wrap around, maybe to root. */
const NO_UID = 0xffffffff;
const CAPABILITY_VERSION = 0x20080522;
const AT_FDCWD = -100;
const X_OK = 1;
const O_WRONLY_CLOEXEC = 0o2000001;

/** Of `/proc/self`: without its maps JavaScriptCore aborts. Not the folder: it would tell of mounts and connections of the machine. */
const OWN_PROC = ["maps", "stat", "statm", "status", "limits"];

/** `RLIMIT_…`, the same on x64 and arm64. There is none for the address space: it would switch the JIT off. */
const RLIMIT = { FSIZE: 1, CORE: 4, NPROC: 6, NOFILE: 7, MEMLOCK: 8, MSGQUEUE: 12 } as const;
const MOST_DESCRIPTORS = 512;
const THREADS = 128;

/** What a process finds on the machine before it is confined. */
export type Machine = {
  arch: Arch;
  /** Version of Landlock. */
  abi: number;
  host: Place;
  files: Look;
  /** The most that a limit of the process may be. */
  mostOf: (resource: number) => number;
};

/**
 * Gives the uid of a plan to those calls that need it, also where they were made for another plan that is the same otherwise.
 *
 * Throws where it is root's, or none
 */
export function fillUid(slot: Slot, { uid }: Pick<LaunchPlan, "uid">): void {
  if (uid === null) return;
  if (!(uid > 0 && uid < NO_UID)) throw new Error(`there is no uid ${uid} (functions.uidBase)`);
  slot.value = uid;
}

/**
 * All system calls that confine a process as its plan says and make it `land __guest`, with the same pid. The order matters: what needs
 * rights comes first, and each step takes some away. The last one never answers; a process in which one fails has to end. `uid` is to be
 * filled before they are made.
 */
export function confineSteps(plan: LaunchPlan, machine: Machine, uid: Slot): Step[] {
  const { host } = machine;
  const pid = createSlot();
  const before = [...ownSteps(plan, pid), ...limitSteps(plan, machine)];
  const after = (place: Place): Step[] => [
    ...(plan.uid === null ? [] : userSteps(uid, place)),
    ...lastSteps(plan, machine, place, pid),
  ];
  if (plan.uid === null) return [...before, ...after(host)];
  const { steps, place } = rootSteps(machine.files, host);
  const inRoot = [...steps, ...after(place)];
  // Without CAP_SYS_ADMIN, as in most containers, everything stays where it is, and Landlock alone keeps files away.
  const own: Step = {
    what: "unshare",
    call: "unshare",
    args: [CLONE_NEWNS],
    may: "fail",
    skip: inRoot.length,
  };
  return [...before, own, ...inRoot, ...after(host)];
}

/** Its descriptors, its session, and that the kernel ends it first: the killer else chooses by size alone. */
function ownSteps({ ring }: LaunchPlan, pid: Slot): Step[] {
  const { link, sync } = DESCRIPTORS;
  const own = ring ? [link, sync, DESCRIPTORS.ring] : [link, sync];
  const foreign = ring ? DESCRIPTORS.ring + 1 : DESCRIPTORS.ring;
  const score = createSlot();
  return [
    { what: "getpid", call: "getpid", args: [], keep: pid },
    { what: "close_range", call: "close_range", args: [foreign, 0xffffffff, CLOSE_ON_EXEC] },
    // They survive the start of the guest: Bun marks all above 3 to be closed then.
    ...own.map((descriptor): Step => ({
      what: `fcntl of ${descriptor}`,
      call: "fcntl",
      args: [descriptor, F_SETFD, 0],
    })),
    { what: "setsid", call: "setsid", args: [], may: ERRNO.EPERM }, // it leads one already
    { what: "getsid", call: "getsid", args: [0], answer: pid },
    {
      what: "open",
      call: "openat",
      args: [AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY_CLOEXEC, 0],
      keep: score,
      may: "fail",
      skip: 1,
    },
    { what: "write", call: "write", args: [score, "1000", 4], may: "fail" },
  ];
}

/** Limits of the kernel; never above what this process has itself. A file that would grow too large fails with EFBIG. */
function limitSteps({ fileBytes, uid }: LaunchPlan, { mostOf }: Machine): Step[] {
  const limit = (resource: number, wanted: number): Step => {
    const value = Math.min(wanted, mostOf(resource));
    return {
      what: "prlimit64",
      call: "prlimit64",
      args: [0, resource, wordsOf([value, value]), 0],
    };
  };
  return [
    {
      what: "rt_sigaction",
      call: "rt_sigaction",
      args: [SIGXFSZ, wordsOf([SIG_IGN, 0, 0, 0]), 0, 8],
    },
    limit(RLIMIT.CORE, 0),
    limit(RLIMIT.MEMLOCK, 0),
    limit(RLIMIT.MSGQUEUE, 0),
    limit(RLIMIT.NOFILE, MOST_DESCRIPTORS),
    limit(RLIMIT.FSIZE, fileBytes),
    // The kernel counts per uid: the server's own threads would count where the uid is shared.
    ...(uid === null ? [] : [limit(RLIMIT.NPROC, THREADS)]),
  ];
}

/** From root to a user that nobody else is. */
function userSteps(uid: Slot, { binary, site }: Place): Step[] {
  return [
    // What no program started later could have, set-uid or not. Those behind the last one are not there.
    ...Array.from({ length: CAPABILITIES }, (_, capability): Step => ({
      what: `prctl CAPBSET_DROP of ${capability}`,
      call: "prctl",
      args: [PR_CAPBSET_DROP, capability],
      may: ERRNO.EINVAL,
      skip: CAPABILITIES - capability - 1,
    })),
    { what: "setgroups", call: "setgroups", args: [0, 0] },
    { what: "setresgid", call: "setresgid", args: [uid, uid, uid] },
    {
      what: "setresuid (functions.uidBase)",
      call: "setresuid",
      args: [uid, uid, uid],
    },
    ...[binary, ...(site === null ? [] : [site])].map((path): Step => ({
      what: `its uid cannot reach "${path}": let others pass every folder above it, give the server CAP_SYS_ADMIN, or run it as a user other than root; faccessat`,
      call: "faccessat",
      args: [AT_FDCWD, path, X_OK],
    })),
  ];
}

/** Takes every right that is left, and starts the guest. */
function lastSteps(
  { parent, guest }: LaunchPlan,
  { arch, abi }: Machine,
  place: Place,
  pid: Slot,
): Step[] {
  const version = new Uint8Array(new Uint32Array([CAPABILITY_VERSION, 0]).buffer);
  const command = [place.binary, ...place.script, "__guest", guest];
  return [
    // Also those that systemd gave the server as ambient.
    {
      what: "prctl AMBIENT",
      call: "prctl",
      args: [PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0],
    },
    { what: "capset", call: "capset", args: [version, new Uint8Array(24)] },
    { what: "prctl PDEATHSIG", call: "prctl", args: [PR_SET_PDEATHSIG, SIGKILL] },
    { what: "the server is gone; getppid", call: "getppid", args: [], answer: parent },
    { what: "prctl NO_NEW_PRIVS", call: "prctl", args: [PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0] },
    ...landlockSteps(abi, rulesOf(place)),
    filterStep(arch, pid),
    {
      what: "execve",
      call: "execve",
      args: [place.binary, { kind: "texts", texts: command }, { kind: "texts", texts: [] }],
    },
  ];
}

function rulesOf({ binary, project, libraries, site, readOnly }: Place): Rule[] {
  return [
    ...[binary, ...libraries].map((path) => ({ path, rights: RIGHTS.run })),
    { path: "/etc/ld.so.cache", rights: RIGHTS.read },
    { path: "/dev/null", rights: RIGHTS.readWrite },
    { path: "/dev/urandom", rights: RIGHTS.read },
    ...OWN_PROC.map((name) => ({ path: `/proc/self/${name}`, rights: RIGHTS.read })),
    ...(project === null ? [] : [{ path: project, rights: RIGHTS.readFolder }]),
    ...(site === null ? [] : [{ path: site, rights: readOnly ? RIGHTS.readFolder : RIGHTS.own }]),
  ];
}

/** Asks the kernel how much a limit of this process may be; what is above all numbers is as good as the largest. */
export function askLimit(syscall: Syscall): Machine["mostOf"] {
  return (resource) => {
    const now = new BigUint64Array(2);
    const asked = syscall("prlimit64", 0, resource, 0, now);
    if (asked < 0) throw new Error(`prlimit64 failed with ${-asked}`);
    return Math.min(Number(now[1]), Number.MAX_SAFE_INTEGER);
  };
}
