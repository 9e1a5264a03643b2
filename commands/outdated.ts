import { printable } from "#base/names.ts";
import { type Asker, findOutdated, type OutdatedPackage } from "#install/outdated.ts";

import { defineCommand } from "./command.ts";
import { eventsTo, installOptions } from "./installing.ts";
import { createProgress } from "./progress.ts";
import { renderCount, renderTable, shorten, type Style } from "./render.ts";

/** Shows of which packages there is something newer. */
export default defineCommand({
  more: `\`wanted\` is what \`land update\` takes: the newest version that the manifest and all other packages allow. \`latest\`
is the newest one: with --latest, \`land update\` rewrites the manifest for it. Versions that may not be picked, as yanked
ones, are left out. It ends with 0 also where something is outdated; with --exit-code it ends with 1 then.`,
  examples: [
    "land outdated",
    "land outdated --all # also what only packages ask for",
    "land outdated --exit-code --quiet # for scripts",
    "land outdated --json",
  ],
  args: {
    all: { type: "boolean", short: "a", about: "Also packages that only other packages ask for" },
    filter: { type: "list", value: "PATTERN", about: "Members of a workspace, by name or folder" },
    exitCode: { type: "boolean", about: "End with 1 where something is outdated" },
    offline: { type: "boolean", about: "Ask no registry; use what is known here" },
  },
  async run(context, { all, filter, exitCode, offline }) {
    const progress = createProgress(context);
    const options = await installOptions(
      context,
      { kind: "install" },
      { offline },
      eventsTo(context, progress),
    );
    progress.update({ verb: "Asking for versions" });
    const { packages, checked } = await findOutdated(options, { all, filter }).finally(
      progress.stop,
    );
    const newer = packages.filter(({ jump }) => jump !== undefined).length;
    context.say(sumOf(newer, checked));
    const width = context.world.stdout.columns || 100;
    return {
      value: { packages, checked },
      text: renderOutdated(packages, width, context.style),
      exitCode: exitCode && packages.length > 0 ? 1 : 0,
    };
  },
});

function sumOf(newer: number, checked: number): string {
  if (checked === 0) return "Nothing is installed that could be outdated";
  const of = renderCount(checked, "package");
  return newer === 0 ? `${of}, all up to date` : `${newer} of ${of} can be newer`;
}

function renderOutdated(packages: readonly OutdatedPackage[], width: number, style: Style): string {
  if (packages.length === 0) return "";
  const head = ["package", "current", "wanted", "latest", "jump", "asked for by"].map(style.dim);
  const rows = packages.map((item) => {
    const { name, current, wanted, latest, jump } = item;
    const paint = paintOf(item, style);
    return [
      paint(shorten(name, 40)),
      shorten(current, 20),
      wanted === current ? style.dim(shorten(wanted, 20)) : style.green(shorten(wanted, 20)),
      paint(shorten(latest, 20)),
      paint(jump ?? ""),
    ];
  });
  const columns = [head.slice(0, 5), ...rows];
  const used = [0, 1, 2, 3, 4].reduce(
    (sum, at) => sum + 2 + Math.max(...columns.map((row) => Bun.stringWidth(row[at] ?? ""))),
    0,
  );
  for (const [at, row] of rows.entries())
    row.push(style.dim(shorten(askersOf(packages[at]), Math.max(12, width - used))));
  const notes = packages.flatMap((item) => notesOf(item, style));
  const tables = [renderTable([head, ...rows]), renderTable(notes)];
  return tables.filter((table) => table !== "").join("\n\n");
}

/** Red: the manifest does not allow the latest, or it is another major. */
function paintOf({ jump }: OutdatedPackage, style: Style): (text: string) => string {
  if (jump === "major") return style.red;
  if (jump === "minor") return style.yellow;
  return jump === undefined ? (text) => text : style.green;
}

function askersOf(item: OutdatedPackage | undefined): string {
  return (item?.askers ?? []).map(nameOf).join(", ");
}

function nameOf({ folder, name, kind }: Asker): string {
  const mark = { dependencies: "", devDependencies: " (dev)", optionalDependencies: " (optional)" };
  return `${name ?? (folder === "." ? "this project" : (folder ?? ""))}${mark[kind]}`;
}

function notesOf({ name, current, yanked, deprecated }: OutdatedPackage, style: Style): string[][] {
  const what = `${printable(name)} ${printable(current)}`;
  return [
    ...(yanked ? [[style.red("yanked"), what]] : []),
    ...(deprecated === undefined
      ? []
      : [[style.yellow("deprecated"), `${what}: ${printable(deprecated)}`]]),
  ];
}
