import { readFileSync, readSync, writeFileSync } from "node:fs";

import { openSyscalls } from "./libc.ts";
import { type ProbeTargets, runAll } from "./probe.ts";
import { CALL_PROBES } from "./probes-calls.ts";
import { FILE_PROBES } from "./probes-files.ts";
import { STATE_PROBES } from "./probes-state.ts";

/** In the folder of the guest: what to attack, as JSON `ProbeTargets`. */
export const TARGETS_FILE = "probes.json";
/** What came out, as JSON `ProbeResult[]`. */
export const RESULTS_FILE = "results.json";

const LINK = 3;

/** Tries everything from inside this process and leaves the results in its folder. In the mode `idle` it only waits for the link to close. */
export async function runProbes(mode: string): Promise<void> {
  if (mode === "idle") return void readSync(LINK, new Uint8Array(1));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the host wrote it
  const targets = JSON.parse(readFileSync(TARGETS_FILE, "utf8")) as ProbeTargets;
  const probes = [...STATE_PROBES, ...FILE_PROBES, ...CALL_PROBES];
  const world = { ...targets, syscall: openSyscalls() };
  const results = await runAll(probes, world, mode === "probe");
  writeFileSync(RESULTS_FILE, JSON.stringify(results));
  process.exit(0);
}
