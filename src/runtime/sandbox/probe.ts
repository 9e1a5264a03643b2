import type { Syscall } from "./libc.ts";

/** One attempt of a hostile program, or something that a program needs. */
export type Probe = {
  name: string;
  /** First word of what must come out in the sandbox. */
  expected: string;
  /** Answers what came out, `allowed` where it says nothing; what it throws is `denied`. */
  run: (world: ProbeWorld) => string | undefined | Promise<string | undefined>;
  /** Not tried outside a sandbox: there it would end or harm the process itself. */
  confinedOnly?: true;
};

/** What the host put up to be attacked, and what the guest attacks with. */
export type ProbeWorld = ProbeTargets & { syscall: Syscall };

/** Written by the host into the folder of the guest as `probes.json`. All of it is for the probes alone, and may be lost. */
export type ProbeTargets = {
  /** A folder of the server, which everybody may read and write as far as the file system goes. */
  outside: string;
  /** A file in it. */
  secret: string;
  /** A SQLite database in it. */
  database: string;
  /** A Unix socket in it, with a listener. */
  socket: string;
  /** Name of an abstract Unix socket with a listener. */
  abstract: string;
  /** A TCP port of 127.0.0.1 with a listener. */
  port: number;
  /** The process that started the guest, and another one. */
  server: number;
  neighbour: number;
};

/** What a probe came to. */
export type ProbeResult = { name: string; expected: string; actual: string; ok: boolean };

/** Runs probes one after another. */
export async function runAll(
  probes: readonly Probe[],
  world: ProbeWorld,
  confined: boolean,
): Promise<ProbeResult[]> {
  const results: ProbeResult[] = [];
  for (const probe of probes) {
    if (!confined && probe.confinedOnly === true) continue;
    const actual = await outcomeOf(probe, world);
    const ok = actual === probe.expected || actual.startsWith(`${probe.expected} `);
    results.push({ name: probe.name, expected: probe.expected, actual, ok });
  }
  return results;
}

async function outcomeOf(probe: Probe, world: ProbeWorld): Promise<string> {
  try {
    return (await probe.run(world)) ?? "allowed";
  } catch (cause) {
    return `denied (${cause instanceof Error ? codeOf(cause) : String(cause)})`;
  }
}

function codeOf(cause: Error): string {
  return "code" in cause && typeof cause.code === "string" ? cause.code : cause.message;
}
