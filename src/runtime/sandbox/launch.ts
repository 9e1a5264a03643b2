import { DESCRIPTORS } from "#bridge/model.ts";

import { archOf } from "./arch.ts";
import { createFiles, type Files } from "./files.ts";
import { addFilter, launchFilter } from "./filter.ts";
import { landlockAbi, restrict, RIGHTS, type Rule } from "./landlock.ts";
import { ERRNO, openSyscalls, pointersTo, type Syscall } from "./libc.ts";
import { giveAway } from "./own.ts";
import { EXIT, type LaunchPlan } from "./plan.ts";
import { programCommand, projectFolder } from "./program.ts";
import { enterRoot, type Place } from "./root.ts";
import { judgeAbi } from "./support.ts";

const CLOSE_ON_EXEC = 4;
const F_SETFD = 2;
const PR_SET_PDEATHSIG = 1;
const PR_CAPBSET_DROP = 24;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;
const SIGKILL = 9;
const SIGXFSZ = 25;
const SIG_IGN = 1n;
/** Means "leave it as it is" to the kernel; what is above would wrap around, maybe to root. */
const NO_UID = 0xffffffff;
const CAPABILITY_VERSION = 0x20080522;
const AT_FDCWD = -100;
const X_OK = 1;

/** Of `/proc/self`: without its maps JavaScriptCore aborts. Not the folder: it would tell of mounts and connections of the machine. */
const OWN_PROC = ["maps", "stat", "statm", "status", "limits"];

/** `RLIMIT_…`, the same on x64 and arm64. There is none for the address space: it would switch the JIT off. */
const RLIMIT = { FSIZE: 1, CORE: 4, NPROC: 6, NOFILE: 7, MEMLOCK: 8, MSGQUEUE: 12 } as const;
const MOST_DESCRIPTORS = 512;
const THREADS = 128;

/**
 * Confines this process as its plan says and becomes `land __guest`, with the same pid. Never returns: where a step fails it ends with code 71
 * and says on stderr which. The order matters: what needs rights comes first, and each step takes some away.
 */
export function launch(json: string): never {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the server wrote it
    return confine(JSON.parse(json) as LaunchPlan);
  } catch (cause) {
    return end(cause instanceof Error ? cause.message : String(cause));
  }
}

function confine(plan: LaunchPlan): never {
  const arch = archOf();
  if (arch === undefined) return end(`no filter for ${process.arch}`);
  const syscall = openSyscalls();
  const files = createFiles(syscall);
  const must = (step: string, result: number): void => {
    if (result < 0) end(`${step} failed with ${-result}`);
  };
  const abi = landlockAbi(syscall);
  const lacking = judgeAbi(abi, plan.uid !== null);
  if (lacking !== undefined) end(lacking);
  const foreign = plan.ring ? DESCRIPTORS.ring + 1 : DESCRIPTORS.ring;
  must("close_range", syscall("close_range", foreign, 0xffffffff, CLOSE_ON_EXEC));
  keepDescriptors(syscall, plan, must);
  if (syscall("getsid", 0) !== process.pid) must("setsid", syscall("setsid"));
  setLimits(syscall, plan, must);
  // The killer of the kernel else chooses by size alone.
  files.write("/proc/self/oom_score_adj", "1000");
  const host = hostPlace(plan, files);
  const place = plan.uid === null ? host : becomeUser(syscall, host, plan, must);
  dropCapabilities(syscall, must);
  must("prctl PDEATHSIG", syscall("prctl", PR_SET_PDEATHSIG, SIGKILL));
  if (process.ppid !== plan.parent) end("the server is gone");
  must("prctl NO_NEW_PRIVS", syscall("prctl", PR_SET_NO_NEW_PRIVS, 1));
  const command = [place.binary, ...place.script, "__guest", plan.guest];
  const argv = pointersTo(command);
  const problem =
    restrict(syscall, abi, rulesOf(place)) ??
    addFilter(syscall, launchFilter(arch, process.pid), "thread");
  if (problem !== undefined) end(problem);
  return end(`execve failed with ${-syscall("execve", place.binary, argv, pointersTo([]))}`);
}

/** Has the guest's descriptors survive the second start: Bun marks all above 3 to be closed then. */
function keepDescriptors(syscall: Syscall, { ring }: LaunchPlan, must: Must): void {
  const { link, sync } = DESCRIPTORS;
  for (const descriptor of ring ? [link, sync, DESCRIPTORS.ring] : [link, sync])
    must(`fcntl of ${descriptor}`, syscall("fcntl", descriptor, F_SETFD, 0));
}

/** Ends where a result of a system call is an error. */
type Must = (step: string, result: number) => void;

/** Limits of the kernel; never above what this process has itself. A file that would grow too large fails with EFBIG. */
function setLimits(syscall: Syscall, { fileBytes, uid }: LaunchPlan, must: Must): void {
  const ignored = new BigUint64Array([SIG_IGN, 0n, 0n, 0n]);
  must("rt_sigaction", syscall("rt_sigaction", SIGXFSZ, ignored, 0, 8));
  const limit = (resource: number, wanted: number): void => {
    const now = new BigUint64Array(2);
    must("prlimit64", syscall("prlimit64", 0, resource, 0, now));
    const most = now[1] ?? 0n;
    const value = BigInt(wanted) < most ? BigInt(wanted) : most;
    must("prlimit64", syscall("prlimit64", 0, resource, new BigUint64Array([value, value]), 0));
  };
  limit(RLIMIT.CORE, 0);
  limit(RLIMIT.MEMLOCK, 0);
  limit(RLIMIT.MSGQUEUE, 0);
  limit(RLIMIT.NOFILE, MOST_DESCRIPTORS);
  limit(RLIMIT.FSIZE, fileBytes);
  // The kernel counts per uid: the server's own threads would count where the uid is shared.
  if (uid !== null) limit(RLIMIT.NPROC, THREADS);
}

/** From root to a user that nobody else is, in a root of its own where the kernel lets us make one. */
function becomeUser(syscall: Syscall, host: Place, plan: LaunchPlan, must: Must): Place {
  const uid = plan.uid ?? 0;
  if (!(uid > 0 && uid < NO_UID)) end(`there is no uid ${uid} (functions.uidBase)`);
  if (plan.writable !== null) giveAway(syscall, plan.writable, uid);
  const place = enterRoot(syscall, host);
  dropBoundingSet(syscall);
  must("setgroups", syscall("setgroups", 0, 0));
  must("setresgid", syscall("setresgid", uid, uid, uid));
  must(`setresuid to ${uid} (functions.uidBase)`, syscall("setresuid", uid, uid, uid));
  for (const path of [place.binary, ...(place.site === null ? [] : [place.site])])
    if (syscall("faccessat", AT_FDCWD, path, X_OK) < 0)
      end(
        `uid ${uid} cannot reach "${path}": let others pass every folder above it, give the server CAP_SYS_ADMIN, or run it as a user other than root`,
      );
  return place;
}

/** What no program started later could have, set-uid or not. */
function dropBoundingSet(syscall: Syscall): void {
  for (let capability = 0; capability < 64; capability++)
    if (syscall("prctl", PR_CAPBSET_DROP, capability) === -ERRNO.EINVAL) return; // the last was before
}

/** Also those that systemd gave the server as ambient. */
function dropCapabilities(syscall: Syscall, must: Must): void {
  must("prctl AMBIENT", syscall("prctl", PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
  const header = new Uint8Array(new Uint32Array([CAPABILITY_VERSION, 0]).buffer);
  must("capset", syscall("capset", header, new Uint8Array(24)));
}

/** Everything as it lies on the machine. */
function hostPlace(plan: LaunchPlan, files: Files): Place {
  const [, ...script] = programCommand();
  return {
    // What this process runs, without links on the way.
    binary: files.readLink("/proc/self/exe"),
    script,
    project: script.length === 0 ? null : projectFolder(),
    libraries: mappedLibraries(files),
    site: plan.writable,
    readOnly: plan.readOnly,
  };
}

/** The C library and its kin: what runs in this process besides the program itself. */
function mappedLibraries(files: Files): string[] {
  const lines = files.read("/proc/self/maps").matchAll(/^\S+ r-xp .*? (\/.*)$/gm);
  return [...new Set([...lines].map(([, path = ""]) => path))];
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

function end(problem: string): never {
  process.stderr.write(`Cannot confine a program: ${problem}\n`);
  process.exit(EXIT.launch);
}
