import { archOf } from "./arch.ts";
import { addFilter, sealFilter } from "./filter.ts";
import { ERRNO, openSyscalls, type Syscall } from "./libc.ts";
import { EXIT } from "./plan.ts";

const PR_SET_PDEATHSIG = 1;
const PR_GET_PDEATHSIG = 2;
const SIGKILL = 9;
const AT_FDCWD = -100;
const AF_UNIX = 1;
const O_RDONLY_CLOEXEC = 0x80000;
/** More than it ever is; what is cut off would be found to be lacking. */
const STATUS_BYTES = 16_384;

/**
 * Closes the sandbox around this process for good, and proves it; answers what is to run now. Ends the process with code 72 where a
 * step fails, so no program ever runs in a half of it. `open`, `bare` and `idle` close nothing.
 */
export function seal(mode: string): "guest" | "probes" {
  if (mode === "open" || mode === "bare" || mode === "idle") {
    if (process.platform === "linux") openSyscalls()("prctl", PR_SET_PDEATHSIG, SIGKILL);
    return mode === "open" ? "guest" : "probes";
  }
  if (mode !== "sealed" && mode !== "probe") end(`unknown mode "${mode}"`);
  const arch = archOf();
  if (arch === undefined) end(`no filter for ${process.arch}`);
  const syscall = openSyscalls();
  const problem = addFilter(syscall, sealFilter(arch)) ?? findHole(syscall) ?? findRight(syscall);
  if (problem !== undefined) end(problem);
  return mode === "sealed" ? "guest" : "probes";
}

/** A call that ought to fail and does not. None of them would do harm. */
function findHole(syscall: Syscall): string | undefined {
  if (syscall("execve", "/", 0, 0) !== -ERRNO.EPERM) return "execve is not refused";
  if (syscall("socket", AF_UNIX, 1, 0) !== -ERRNO.EPERM) return "socket is not refused";
  if (syscall("openat", AT_FDCWD, "/", 0, 0) !== -ERRNO.EACCES) return "the root can be read";
  const word = new Uint8Array(4);
  if (syscall("prctl", PR_GET_PDEATHSIG, word) < 0 || word[0] !== SIGKILL)
    return "the process would outlive the server";
  return undefined;
}

/** What the kernel says of a process without rights, line by line. */
const RIGHTLESS = [
  "NoNewPrivs:\t1",
  "Seccomp:\t2",
  ...["CapInh", "CapPrm", "CapEff", "CapAmb"].map((name) => `${name}:\t${"0".repeat(16)}`),
];

/** A right that is left, as the kernel tells. */
function findRight(syscall: Syscall): string | undefined {
  const status = readStatus(syscall);
  for (const line of RIGHTLESS) if (!status.includes(`\n${line}\n`)) return `"${line}" is not so`;
  return undefined;
}

/** What the kernel tells of this process, read without `node:fs`, which takes as long to load as half of the guest. */
function readStatus(syscall: Syscall): string {
  const bytes = Buffer.alloc(STATUS_BYTES);
  const file = syscall("openat", AT_FDCWD, "/proc/self/status", O_RDONLY_CLOEXEC, 0);
  const length = file < 0 ? 0 : syscall("read", file, bytes, bytes.length);
  if (file >= 0) syscall("close", file);
  return bytes.toString("latin1", 0, Math.max(0, length));
}

function end(problem: string): never {
  process.stderr.write(`Cannot close the sandbox: ${problem}\n`);
  process.exit(EXIT.seal);
}
