import { printable } from "#base/names.ts";
import { type Asker, findOutdated, type OutdatedPackage } from "#install/outdated.ts";

import { defineCommand } from "./command.ts";
import { installOptions } from "./installing.ts";
import { createProgress } from "./progress.ts";
import { renderCount, renderTable, shorten, type Style } from "./render.ts";

/** Shows of which packages there is something newer. */
export default defineCommand({
  more: `\`wanted\` is the newest version that the manifest allows: \`land update\` takes it. \`latest\` is the newest one: \`land update
--latest\` rewrites the manifest for it. Versions that may not be picked, as yanked ones, are left out. It ends with 0 also where
something is outdated; with --exit-code it ends with 1 then.`,
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
    const options = await installOptions(context, { kind: "install" }, { offline });
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
  const used = Bun.stringWidth(
    renderTable([head.slice(0, 5), ...rows])
      .split("\n")
      .toSorted(byWidth)[0] ?? "",
  );
  const left = Math.max(12, width - used - 3);
  const filled = rows.map((row, at) => [...row, style.dim(shorten(askersOf(packages[at]), left))]);
  const notes = packages.flatMap((item) => notesOf(item, style));
  return [renderTable([head, ...filled]), ...(notes.length > 0 ? ["", ...notes] : [])].join("\n");
}

function byWidth(a: string, b: string): number {
  return Bun.stringWidth(b) - Bun.stringWidth(a);
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

function notesOf({ name, current, yanked, deprecated }: OutdatedPackage, style: Style): string[] {
  const what = `${printable(name)} ${printable(current)}`;
  return [
    ...(yanked ? [`${style.red("yanked")}  ${what}`] : []),
    ...(deprecated === undefined
      ? []
      : [`${style.yellow("deprecated")}  ${what}: ${printable(deprecated)}`]),
  ];
}
