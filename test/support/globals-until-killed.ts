import { randomBytes } from "node:crypto";

import { NO_HOOKS } from "#base/client-hooks.ts";
import { type GlobalOptions, installGlobals, removeGlobals } from "#install/global.ts";
import { stateFile } from "#install/state.ts";
import { createRemote } from "#remote/client.ts";
import { parseRegistryUrl } from "#remote/registry-url.ts";

/** Installs and removes global packages in the LAND_HOME `argv[2]` from the registry `argv[3]`, again and again until it is killed, with a dot before each act. */
const [, , landHome = "", address = ""] = process.argv;
const home = {
  landHome,
  command: "land install",
  lockTimeoutMs: 60_000,
  now: () => new Date(),
};
const options: GlobalOptions = {
  ...home,
  state: stateFile(home),
  random: (size) => randomBytes(size),
  offline: false,
  yes: false,
  registry: parseRegistryUrl(address),
  configured: [],
  remoteFor: (url) => createRemote({ registry: url }),
  landVersion: "0.1.0",
  landBinary: "/opt/land/land",
  concurrency: 8,
  resolution: "highest",
  hooks: NO_HOOKS,
  security: { requireSignatures: false, checksum: "sha256", minimumAgeDays: 0 },
  link: "auto",
  cache: { maxBytes: 5_000_000_000, maxAgeDays: 90, autoPrune: false },
};

async function runAll(): Promise<void> {
  const greet = (range: string) => ({ name: "@ada/greet", range, exact: false });
  const acts = [
    () => installGlobals(options, [greet("1.0.0"), { name: "pad", exact: false }]),
    () => installGlobals(options, [greet("2.0.0")]),
    () => removeGlobals(options, ["pad"]),
    () => removeGlobals(options, ["@ada/greet"]),
  ];
  for (const act of acts) {
    process.stdout.write(".");
    await act();
  }
  await runAll();
}
await runAll();
