import { constants } from "node:os";
import { resolve } from "node:path";

import { loadConfig } from "#base/config.ts";
import { printable } from "#base/names.ts";
import { checkSandbox } from "#runtime/sandbox/check.ts";

import { defineCommand } from "./command.ts";
import type { Context } from "./context.ts";
import { renderCount, renderTable } from "./render.ts";

const CHECKS = { sandbox: "whether the kernel keeps programs of sites away from everything else" };

/** Lists what can be checked. */
export const list = defineCommand({
  examples: ["land doctor # what can be checked", "land doctor sandbox"],
  args: {},
  async run() {
    const rows = Object.entries(CHECKS).map(([name, about]) => [`land doctor ${name}`, about]);
    return { value: { checks: Object.keys(CHECKS) }, text: renderTable(rows) };
  },
});

/** Tries to break out of the sandbox in every way known, as a hostile program would. */
export const sandbox = defineCommand({
  more: `Starts a process exactly as \`land serve\` starts a program, and lets it try to reach files, networks and other processes
that were put up for it. Run it as the user that the server runs as. Exits with 1 where anything came through.`,
  examples: [
    "land doctor sandbox",
    "sudo land doctor sandbox --data /var/lib/land",
    "land doctor sandbox --json",
  ],
  args: {
    data: {
      type: "text",
      value: "DIR",
      about: "Data folder with the settings of the server (default: ./land-data)",
    },
  },
  async run(context, args) {
    const uidBase = await readUidBase(context, args.data);
    const scratch = context.env["TMPDIR"] || "/tmp";
    const probes = await checkSandbox({ scratch, uidBase, confined: true });
    const failed = probes.filter(({ ok }) => !ok);
    const { style } = context;
    const rows = probes.map(({ name, expected, actual, ok }) => [
      ok ? style.green("ok") : style.red("FAILED"),
      name,
      printable(nameErrors(ok ? actual : `${actual}, expected: ${expected}`)),
    ]);
    context.say(
      failed.length === 0
        ? `Nothing came through: ${renderCount(probes.length, "probe")} as expected`
        : `${renderCount(failed.length, "probe")} of ${probes.length} failed: programs of sites are not safely confined here`,
    );
    return {
      value: { ok: failed.length === 0, probes },
      text: renderTable(rows),
      exitCode: failed.length === 0 ? 0 : 1,
    };
  },
});

/** `errno 1` → `EPERM`. */
function nameErrors(text: string): string {
  const names = Object.entries(constants.errno);
  return text.replace(/errno (\d+)/g, (all, number: string) => {
    const [name] = names.find(([, value]) => value === Number(number)) ?? [];
    return name ?? all;
  });
}

async function readUidBase({ cwd, env }: Context, folder: string | undefined): Promise<number> {
  const data = resolve(cwd, folder ?? "land-data");
  const file = Bun.file(resolve(data, "land.toml"));
  const toml = (await file.exists()) ? await file.text() : undefined;
  return loadConfig({ data, toml, env, flags: {} })["functions.uidBase"];
}
