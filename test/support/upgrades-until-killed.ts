import { createTransport } from "#remote/client.ts";
import { upgradeBinary } from "#remote/upgrade.ts";

/** Upgrades the binary `argv[2]`, with the LAND_HOME `argv[3]`, from the source `argv[4]` signed by `argv[5]`: to 2.0.0 and back, until it is killed. */
const [, , binary = "", landHome = "", source = "", key = ""] = process.argv;

async function upgradeTo(version: string, wanted: string): Promise<void> {
  await upgradeBinary({
    landHome,
    command: "land upgrade",
    lockTimeoutMs: 20_000,
    now: () => new Date(),
    source,
    keys: [key],
    version,
    target: "linux-x64",
    binary,
    wanted,
    transport: createTransport({}),
  });
}

async function runAll(): Promise<void> {
  process.stdout.write(".");
  await upgradeTo("1.0.0", "2.0.0");
  await upgradeTo("2.0.0", "1.0.0");
  await runAll();
}
await runAll();
