import { closeSync, openSync, readSync } from "node:fs";

/** What the kernel says of a running process. Undefined: it ended, or this system does not tell. */
export type ProcReader = {
  /** Processor time of all its threads, ended ones included, in steps of 10 ms; and how many threads there are. */
  cpu: () => { cpuMs: number; threads: number } | undefined;
  /** Memory that is its own, also where swapped out: not the binary and other files. */
  memoryBytes: () => number | undefined;
  /** Bytes that it made dirty on disks so far. Undefined also where we may not know. */
  writtenBytes: () => number | undefined;
  close: () => void;
};

/** The kernel tells times in hundredths of a second on every architecture that we run on. */
const TICK_MS = 10;
const scratch = Buffer.alloc(8192);

/** Opens what is known of a process, so that a later process of the same pid is never taken for it. */
export function openProc(pid: number): ProcReader {
  const stat = lazyFile(`/proc/${pid}/stat`);
  const status = lazyFile(`/proc/${pid}/status`);
  const io = lazyFile(`/proc/${pid}/io`);
  stat.read();
  status.read();
  return {
    cpu() {
      const text = stat.read();
      return text === undefined ? undefined : parseStat(text);
    },
    memoryBytes() {
      const text = status.read();
      return text === undefined ? undefined : parseStatus(text);
    },
    writtenBytes() {
      const found = /^write_bytes: (\d+)$/m.exec(io.read() ?? "");
      return found ? Number(found[1]) : undefined;
    },
    close() {
      stat.close();
      status.close();
      io.close();
    },
  };
}

/** Times and threads of `/proc/<pid>/stat`. The program chooses its name there, brackets and blanks included. */
export function parseStat(text: string): { cpuMs: number; threads: number } | undefined {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ", 18);
  const [user, system, threads] = [Number(fields[11]), Number(fields[12]), Number(fields[17])];
  return Number.isFinite(user + system + threads)
    ? { cpuMs: (user + system) * TICK_MS, threads }
    : undefined;
}

const OWN_MEMORY = /^(?:RssAnon|RssShmem|VmSwap):\s+(\d+) kB$/gm;

/** Memory that `/proc/<pid>/status` counts as the process's own, in bytes; undefined for a process that has ended. */
export function parseStatus(text: string): number | undefined {
  let [found, sum] = [false, 0];
  for (const [, kilobytes] of text.matchAll(OWN_MEMORY)) {
    found = true;
    sum += Number(kilobytes) * 1024;
  }
  return found ? sum : undefined;
}

function lazyFile(path: string): { read: () => string | undefined; close: () => void } {
  let descriptor: number | undefined;
  let isClosed = false;
  return {
    read() {
      if (isClosed) return undefined;
      try {
        descriptor ??= openSync(path, "r");
        return scratch.toString("latin1", 0, readSync(descriptor, scratch, 0, scratch.length, 0));
      } catch {
        return undefined;
      }
    },
    close() {
      isClosed = true;
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = undefined;
    },
  };
}
