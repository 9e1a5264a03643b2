import { fail } from "#base/errors.ts";
import { parsePackageName, printable } from "#base/names.ts";
import { explainInstalled, type Why, type WhyNode } from "#install/why.ts";

import { defineCommand } from "./command.ts";
import { findNearest } from "./nearest.ts";
import type { Style } from "./render.ts";
import { type Branch, drawBranches } from "./tree.ts";

/** Shows who needs a package, up to the project. */
export default defineCommand({
  more: `Below a package stand those that need it, with what they ask for; each way ends at the project or a member of its workspace.
Shortest ways come first. It reads land.lock and what is installed, and asks no registry.`,
  examples: ["land why pad", "land why @ada/greet --json"],
  args: { package: { type: "one", about: "Name of a package" } },
  async run(context, args) {
    const name = parsePackageName(args.package);
    const { found, ...other } = await explainInstalled(context.cwd, name);
    if (!found) {
      const nearest = findNearest(name, "names" in other ? other.names : []);
      throw fail("not_installed", {
        name,
        hint:
          nearest === undefined
            ? "See what is with `land list`"
            : `Did you mean \`land why ${nearest}\`?`,
      });
    }
    return { value: found, text: renderWhy(found, context.style) };
  },
});

function renderWhy(why: Why, style: Style): string {
  const notes = [
    ...(why.member === undefined ? [] : [`a member, in ${printable(why.member)}`]),
    ...(why.installed ? [] : [style.red("not installed")]),
    ...(why.override === undefined ? [] : [`overridden to ${printable(why.override)}`]),
    ...(why.dependents.length === 0 ? ["nothing needs it"] : []),
  ];
  const title = style.bold(`${printable(why.name)} ${printable(why.version)}`);
  const head = [title, ...(notes.length === 0 ? [] : [`(${notes.join(", ")})`])].join(" ");
  return [head, ...drawBranches(why.dependents.map((node) => branchOf(node, style)))].join("\n");
}

function branchOf(node: WhyNode, style: Style): Branch {
  const isRoot = node.folder !== undefined;
  const name = printable(node.name ?? "this project");
  const who = isRoot ? style.cyan(name) : `${name} ${printable(node.version ?? "")}`;
  const place = isRoot && node.folder !== "." ? ` (${printable(node.folder ?? "")})` : "";
  const kinds = { dependencies: "", devDependencies: "(dev)", optionalDependencies: "(optional)" };
  const again =
    node.again === "cycle" ? "(cycle)" : node.again === "seen" ? "(shown elsewhere)" : "";
  const notes = [
    node.range === undefined ? "" : `asks for ${printable(node.range)}`,
    kinds[node.kind],
    again,
  ].filter((note) => note !== "");
  const label = [`${who}${place}`, ...notes.map(style.dim)].join(" ");
  return { label, branches: node.dependents.map((below) => branchOf(below, style)) };
}
