import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import {
  filterRoots,
  type ProjectRoot,
  reachedFrom,
  type Requirement,
} from "#install/list-roots.ts";
import { type Installed, listInstalled } from "#install/list.ts";

import { defineCommand } from "./command.ts";
import type { Context } from "./context.ts";
import { globalFlag } from "./global-flag.ts";
import type { Style } from "./render.ts";
import { parseDepth } from "./spec.ts";
import { renderTree, type TreeNode } from "./tree.ts";

/** Shows what is installed, and which package needs which. */
export default defineCommand({
  more: `Packages that need each other are legal; where a way comes back to where it began, the tree says \`(cycle)\`. What was drawn
already is \`(see above)\`. In a workspace each member has its own tree.`,
  examples: [
    "land list",
    "land list --depth 0 # what the project itself asks for",
    "land list --prod --filter 'packages/*'",
    "land list -g # what is installed for you, and its commands",
    "land list --json",
  ],
  args: {
    depth: { type: "text", value: "N", about: "Steps below what the project asks for" },
    dev: { type: "boolean", short: "D", about: "Only what is for working on the project" },
    prod: { type: "boolean", short: "P", about: "Without what is for working on the project" },
    filter: { type: "list", value: "PATTERN", about: "Members of a workspace, by name or folder" },
    global: globalFlag,
  },
  async run(context, { depth, dev, prod, filter, global }) {
    if (global) return (await import("./global-packages.ts")).listForUser(context);
    if (dev && prod) throw fail("usage", { problem: "Cannot show both: give --dev or --prod" });
    const installed = await listInstalled(context.cwd);
    const isWanted = ({ kind }: Requirement): boolean =>
      dev ? kind === "devDependencies" : !prod || kind !== "devDependencies";
    const roots = filterRoots(installed.roots, filter).map((root) =>
      Object.assign({}, root, { requirements: root.requirements.filter(isWanted) }),
    );
    const isPart = dev || prod || filter.length > 0;
    const { lock, packages } = installed;
    const reached = reachedFrom(roots, [...(lock?.packages ?? []), ...packages]);
    const inPart = ({ name }: { name: string }): boolean => !isPart || reached.has(name);
    const value = {
      packages: packages.filter(inPart),
      projects: roots,
      missing: installed.missing.filter(inPart),
      extraneous: isPart ? [] : installed.extraneous,
    };
    warnOf(context, installed, value);
    const limit = depth === undefined ? undefined : parseDepth("--depth", depth);
    return { value, text: renderAll(roots, installed, limit, context.style) };
  },
});

function renderAll(
  roots: readonly ProjectRoot[],
  installed: Installed,
  depth: number | undefined,
  style: Style,
): string {
  const drawn = new Set<string>();
  const trees = roots.map((root) => {
    const title = [root.name ?? "this project", root.version ?? ""].join(" ").trimEnd();
    const place = root.folder === "." ? "" : style.dim(` ${printable(root.folder)}`);
    const names = root.requirements.map(({ name }) => name);
    return renderTree(style.bold(title) + place, names, nodesOf(root, installed, style), {
      drawn,
      style,
      ...(depth !== undefined && { depth }),
    });
  });
  return trees.join("\n\n");
}

/** The packages as this root sees them: its own requirements say of what kind they are, also those that are not installed. */
function nodesOf(
  { requirements }: ProjectRoot,
  { packages, roots }: Installed,
  style: Style,
): Map<string, TreeNode> {
  const nodes = new Map<string, TreeNode>(packages.map((node) => [node.name, node]));
  const members = new Map<string, ProjectRoot>(
    roots.flatMap((root) => (root.name ? [[root.name, root]] : [])),
  );
  for (const { name, range, kind } of requirements) {
    const node = nodes.get(name);
    const note =
      kind === "devDependencies" ? "(dev)" : kind === "optionalDependencies" ? "(optional)" : "";
    const member = members.get(name);
    if (node) nodes.set(name, { ...node, note });
    else if (member)
      nodes.set(name, { name, version: member.version ?? "", dependencies: [], note: "(member)" });
    else if (kind !== "optionalDependencies")
      nodes.set(name, {
        name,
        version: range,
        dependencies: [],
        note: style.red("(not installed)"),
      });
  }
  return nodes;
}

function warnOf(
  { warn }: Context,
  { roots, packages }: Installed,
  {
    projects,
    missing,
    extraneous,
  }: Pick<Installed, "missing" | "extraneous"> & { projects: readonly ProjectRoot[] },
): void {
  const known = new Set<string>([...packages, ...missing].map(({ name }) => name));
  for (const { name } of roots) if (name !== undefined) known.add(name);
  const unknown = projects.flatMap(({ requirements }) =>
    requirements.filter(({ name, kind }) => kind !== "optionalDependencies" && !known.has(name)),
  );
  const absent = [...new Set([...missing, ...unknown].map(({ name }) => name))].toSorted();
  if (absent.length > 0)
    warn(`Not installed: ${absent.map(printable).join(", ")}; run \`land install\``);
  if (extraneous.length > 0)
    warn(
      `Installed although nothing asks for it: ${extraneous.map(({ name }) => printable(name)).join(", ")}`,
    );
}
