import { NO_HOOKS } from "#base/client-hooks.ts";
import { installProject } from "#install/install.ts";
import type { InstallMode } from "#install/options.ts";
import { createRemote } from "#remote/client.ts";
import { parseRegistryUrl } from "#remote/registry-url.ts";

/**
 * Installs in the project `argv[2]` with the LAND_HOME `argv[3]` from the registry `argv[4]`: the modes in `argv[5]` one
 * after the other; with `loop` in `argv[6]` again and again until it is killed; with `hardlink` there files are linked, for root too.
 */
const [, , dir = "", landHome = "", address = "", modes = "[]", how] = process.argv;
const registry = parseRegistryUrl(address);

async function run(mode: InstallMode): Promise<void> {
  await installProject({
    dir,
    mode,
    frozen: false,
    offline: false,
    yes: false,
    registry,
    configured: [],
    remoteFor: (url) => createRemote({ registry: url }),
    landVersion: "0.1.0",
    landBinary: "/opt/land/land",
    landHome,
    command: "land install",
    lockTimeoutMs: 60_000,
    concurrency: 8,
    resolution: "highest",
    hooks: NO_HOOKS,
    security: { requireSignatures: false, checksum: "sha256", minimumAgeDays: 0 },
    link: how === "hardlink" ? how : "auto",
    cache: { maxBytes: 5_000_000_000, maxAgeDays: 90, autoPrune: false },
    now: () => new Date(),
  });
}

const wanted: InstallMode[] = JSON.parse(modes);
async function runAll(): Promise<void> {
  for (const mode of wanted) {
    process.stdout.write(".");
    await run(mode);
  }
  if (how === "loop") await runAll();
}
await runAll();
