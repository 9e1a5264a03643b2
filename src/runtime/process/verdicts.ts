import type { Why } from "./instance.ts";

/** Each limit that ends a process, as its owner reads it. Figures and limits are named in both forms. */

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1024 / 1024)} MB`;

/** It holds more memory than it may. */
export function overMemory(bytes: number, limit: number): Why {
  return {
    code: "memory_limit",
    message: `Ended: it took ${megabytes(bytes)} of memory, the limit is ${megabytes(limit)}`,
    data: { code: "memory_limit", memoryBytes: bytes, limitBytes: limit },
  };
}

/** It kept its event loop busy for too long. */
export function overCpu(cpuMs: number, limit: number): Why {
  return {
    code: "cpu_limit",
    message: `Ended: it computed for ${Math.round(cpuMs)} ms without a pause, the limit is ${limit} ms`,
    data: { code: "cpu_limit", cpuMs: Math.round(cpuMs), limitMs: limit },
  };
}

/** Its site computed for too long in a minute. */
export function overBudget(usedMs: number, limitMs: number, retryAfterSeconds: number): Why {
  return {
    code: "cpu_budget",
    message: `Ended: the site computed for ${(usedMs / 1000).toFixed(1)} s within a minute, the limit is ${limitMs / 1000} s; it goes on in ${retryAfterSeconds} s`,
    data: { code: "cpu_budget", cpuMs: Math.round(usedMs), limitMs },
    retryAfterSeconds,
  };
}

/** It has too many threads. */
export function overThreads(threads: number, limit: number): Why {
  return {
    code: "thread_limit",
    message: `Ended: it had ${threads} threads, the limit is ${limit}`,
    data: { code: "thread_limit", threads, limit },
  };
}

/** Too much is in its folder. */
export function overDisk(bytes: number, limit: number): Why {
  const much = Number.isFinite(bytes) ? megabytes(bytes) : "folders within folders";
  return {
    code: "disk_limit",
    message: `Ended: its folder held ${much}, the limit is ${megabytes(limit)}; until there is less, it may only read`,
    data: {
      code: "disk_limit",
      diskBytes: Number.isFinite(bytes) ? bytes : null,
      limitBytes: limit,
    },
  };
}

/** It neither answered a request in time nor a ping after that. */
export function overWall(limitSeconds: number): Why {
  return {
    code: "wall_limit",
    message: `Ended: it did not begin to answer within ${limitSeconds} s, and does not react`,
    data: { code: "wall_limit", limitSeconds },
  };
}
