import { constants } from "node:os";
import { resolve } from "node:path";

import { loadConfig } from "#base/config.ts";
import { printable } from "#base/names.ts";

import { defineCommand } from "./command.ts";
import type { Context } from "./context.ts";
import { renderCount, renderTable } from "./render.ts";

/** Looks at what the client needs from this machine and the way to the registry. */
export const client = defineCommand({
  more: `Nothing is changed, but for files that are made and removed to see whether they can be. Exits with 1 where something is
bad. What the server needs is checked by \`land doctor sandbox\`.`,
  examples: ["land doctor", "land doctor --json", "land doctor sandbox # for a server"],
  args: {},
  async run(context) {
    const { checkClient } = await import("./doctor-client.ts");
    const checks = await checkClient(context);
    const ok = checks.every(({ status }) => status !== "bad");
    const { style } = context;
    const paint = { ok: style.green, warn: style.yellow, bad: style.red };
    const rows = checks.map(({ name, status, detail }) => [
      paint[status](status),
      name,
      printable(detail),
    ]);
    const advice = checks.flatMap(({ name, hint }) =>
      hint === undefined ? [] : [`${style.bold(name)}: ${printable(hint)}`],
    );
    const text = [renderTable(rows), ...(advice.length > 0 ? ["", ...advice] : [])].join("\n");
    return { value: { ok, checks }, text, exitCode: ok ? 0 : 1 };
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
    const { checkSandbox } = await import("#runtime/sandbox/check.ts");
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
