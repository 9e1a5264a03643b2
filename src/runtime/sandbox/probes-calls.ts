import type { CallName } from "./arch.ts";
import { type Argument, ERRNO } from "./libc.ts";
import type { Probe, ProbeWorld } from "./probe.ts";

const AF_UNIX = 1;
const AF_INET = 2;
const STREAM = 1;
const DATAGRAM = 2;
const SIGCHLD = 17;
const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const CLONE_NEWUSER = 0x10000000;
const CLONE_NEWNS = 0x00020000;
const PTRACE_SEIZE = 0x4206;
const IPPROTO_MPTCP = 262;
const KEYCTL_GET_KEYRING_ID = 0;
const PROCESS_KEYRING = -2;
const SESSION_KEYRING = -3;

/** Errors that say no; any other error of the kernel tells that it began to do what was asked. */
const NO: ReadonlySet<number> = new Set([ERRNO.EPERM, ERRNO.EACCES, ERRNO.ENOSYS]);

/** A call made past all libraries, as `bun:ffi` lets a program do. */
function call(
  what: string,
  name: CallName,
  args: (world: ProbeWorld) => Argument[] = () => [],
  more: Partial<Probe> = {},
): Probe {
  const run = (world: ProbeWorld): string => {
    const result = world.syscall(name, ...args(world));
    if (result >= 0) return "allowed";
    const denied = NO.has(-result);
    return denied ? `denied (errno ${-result})` : `allowed (it got to errno ${-result})`;
  };
  return { name: what, expected: "denied", run, ...more };
}

/** A call that would make a copy of this process: the copy ends at once. */
function copy(what: string, name: CallName, args: Argument[]): Probe {
  return call(what, name, undefined, {
    run({ syscall }) {
      const result = syscall(name, ...args);
      if (result === 0) syscall("exit_group", 0);
      return result < 0 ? `denied (errno ${-result})` : "allowed";
    },
  });
}

const words = (bytes: number): Uint8Array => new Uint8Array(bytes);
/** A `siginfo_t` as one process may send it to another: with SI_QUEUE. */
function queued(): Uint8Array {
  const info = words(128);
  new DataView(info.buffer).setInt32(8, -1, true);
  return info;
}
/** A pathname as `struct sockaddr_un`. */
const unixAddress = (path: string): Uint8Array =>
  Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(`${path}\0`)]);

/** Attempts by bare system calls: sockets, other processes, copies, keys, namespaces, and rarely used ways into the kernel. */
export const CALL_PROBES: readonly Probe[] = [
  call("socket: TCP", "socket", () => [AF_INET, STREAM, 0]),
  call("socket: UDP", "socket", () => [AF_INET, DATAGRAM, 0]),
  call("socket: MPTCP", "socket", () => [AF_INET, STREAM, IPPROTO_MPTCP]),
  call("socket: TCP over IPv6", "socket", () => [10, STREAM, 0]),
  call("socket: Unix", "socket", () => [AF_UNIX, STREAM, 0]),
  call("socket: netlink", "socket", () => [16, 3, 0]),
  call("socketpair", "socketpair", () => [AF_UNIX, STREAM, 0, words(8)]),
  call("connect on the link", "connect", ({ socket }) => {
    const address = unixAddress(socket);
    return [3, address, address.length];
  }),
  call("bind on the link", "bind", () => [3, unixAddress(""), 2]),
  call("listen on the link", "listen", () => [3, 1]),
  call("accept on the link", "accept4", () => [3, 0, 0, 0]),
  call("signal the server", "kill", ({ server }) => [server, 0]),
  call("signal another process", "kill", ({ neighbour }) => [neighbour, 0]),
  call("signal everybody", "kill", () => [-1, 0], { confinedOnly: true }),
  call("signal a thread of the server", "tkill", ({ server }) => [server, 0]),
  call("signal the server by tgkill", "tgkill", ({ server }) => [server, server, 0]),
  call("queue a signal", "rt_sigqueueinfo", ({ server }) => [server, 0, queued()]),
  call("send signals of a descriptor to the server", "fcntl", ({ server }) => [3, 8, server]),
  call("pidfd_open", "pidfd_open", ({ neighbour }) => [neighbour, 0]),
  call("pidfd_getfd", "pidfd_getfd", () => [-1, 0, 0]),
  call("ptrace", "ptrace", ({ neighbour }) => [PTRACE_SEIZE, neighbour, 0, 0]),
  call("read memory of the server", "process_vm_readv", ({ server }) => [server, 0, 0, 0, 0, 0]),
  call("write memory of the server", "process_vm_writev", ({ server }) => [server, 0, 0, 0, 0, 0]),
  call("limits of the server", "prlimit64", ({ server }) => [server, 7, 0, words(16)]),
  call("priority of the server", "setpriority", ({ server }) => [0, server, 19], {
    confinedOnly: true,
  }),
  call("processors of the server", "sched_setaffinity", ({ neighbour }) => [
    neighbour,
    8,
    new BigUint64Array([1n]),
  ]),
  ...(process.arch === "x64" ? [copy("fork", "fork", [])] : []),
  ...(process.arch === "x64" ? [call("vfork", "vfork", undefined, { confinedOnly: true })] : []),
  copy("clone of a process", "clone", [SIGCHLD, 0, 0, 0, 0]),
  copy("clone into a new user namespace", "clone", [CLONE_NEWUSER + SIGCHLD, 0, 0, 0, 0]),
  call("clone3", "clone3", () => [words(8), 8]),
  call("unshare user namespace", "unshare", () => [CLONE_NEWUSER]),
  call("unshare mount namespace", "unshare", () => [CLONE_NEWNS]),
  call("setns", "setns", () => [-1, 0]),
  call("execve", "execve", () => ["/nonexistent", 0, 0]),
  call("execveat of a descriptor", "execveat", () => [-1, "", 0, 0, AT_EMPTY_PATH]),
  call("memfd_create", "memfd_create", () => ["x", 0]),
  call("another filter", "seccomp", () => [1, 0, 0]),
  call("keyctl", "keyctl", () => [KEYCTL_GET_KEYRING_ID, SESSION_KEYRING, 0]),
  call("add_key", "add_key", () => ["user", "land-probe", "x", 1, PROCESS_KEYRING]),
  call("request_key", "request_key", () => ["user", "land-probe", 0, 0]),
  call("userfaultfd", "userfaultfd", () => [1]),
  call("io_uring_setup", "io_uring_setup", () => [1, words(120)]),
  call("bpf", "bpf", () => [0, words(128), 128]),
  call("perf_event_open", "perf_event_open", () => [words(128), 0, -1, -1, 0]),
  call("mount", "mount", () => [0, 0, 0, 0, 0]),
  call("umount", "umount2", () => ["/nonexistent", 0]),
  call("move_mount", "move_mount", () => [-1, "", -1, "", 0]),
  call("fsopen", "fsopen", () => ["tmpfs", 0]),
  call("open_tree", "open_tree", () => [AT_FDCWD, ".", 0]),
  call("mount_setattr", "mount_setattr", () => [AT_FDCWD, ".", 0, words(32), 32]),
  call("pivot_root", "pivot_root", () => ["/nonexistent", "/nonexistent"]),
  call("chroot", "chroot", () => ["/nonexistent"]),
  call("name_to_handle_at", "name_to_handle_at", () => [AT_FDCWD, ".", words(8), words(4), 0]),
  call("open_by_handle_at", "open_by_handle_at", () => [AT_FDCWD, words(8), 0]),
  call("become root", "setresuid", () => [0, 0, 0]),
  call("change group", "setresgid", () => [0, 0, 0]),
  call("change groups", "setgroups", () => [0, 0]),
  call("shared memory of System V", "shmget", () => [0, 4096, 0o600]),
  call("message queue of POSIX", "mq_open", () => ["land-probe", 0, 0, 0]),
  call("be traced and dumped", "prctl", () => [4, 1, 0, 0, 0]),
  call("outlive the server", "prctl", () => [1, 9, 0, 0, 0]),
  call("watch files", "inotify_init1", () => [0]),
  call("personality", "personality", () => [0xffffffff]),
  call("log of the kernel", "syslog", () => [10, 0, 0]),
  {
    name: "options of the link",
    expected: "denied",
    run({ syscall }) {
      // An error that libraries know, and go on.
      const result = syscall("setsockopt", 3, 1, 9, new Uint8Array([1, 0, 0, 0]), 4);
      return result < 0 ? `denied (errno ${-result})` : "allowed";
    },
  },
];
