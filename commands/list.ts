import { listInstalled } from "#install/list.ts";
import { readProject } from "#pack/project.ts";

import { defineCommand } from "./command.ts";
import { renderTree, type TreeNode } from "./tree.ts";

/** Shows what is installed, and which package needs which. */
export default defineCommand({
  more: "Packages that need each other are legal; where a way comes back to where it began, the tree says `(cycle)`.",
  examples: ["land list", "land list --json"],
  args: {},
  async run({ cwd, warn }) {
    const { manifest } = await readProject(cwd);
    const { packages } = await listInstalled(cwd);
    const nodes = new Map<string, TreeNode>(packages.map((node) => [node.name, node]));
    const { dependencies, devDependencies, optionalDependencies } = manifest;
    const needed = Object.keys({ ...dependencies, ...devDependencies });
    const roots = [...new Set([...needed, ...Object.keys(optionalDependencies)])].toSorted();
    const missing = needed.filter((name) => !nodes.has(name) && !(name in optionalDependencies));
    if (missing.length > 0) warn(`Not installed: ${missing.join(", ")}; run \`land install\``);
    const title = [manifest.name ?? "this project", manifest.version].join(" ").trimEnd();
    return { value: { packages }, text: renderTree(title, roots, nodes) };
  },
});
