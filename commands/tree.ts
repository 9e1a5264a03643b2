import { printable } from "#base/names.ts";

/** A package in the tree: one version of each name. */
export type TreeNode = { name: string; version: string; dependencies: readonly string[] };

/**
 * Draws which package needs which, from the `roots` down. What was drawn already is named again without its branches;
 * a package that needs itself by some way ends with `(cycle)`.
 */
export function renderTree(
  title: string,
  roots: readonly string[],
  packages: ReadonlyMap<string, TreeNode>,
): string {
  const lines = [title];
  const drawn = new Set<string>();
  const draw = (names: readonly string[], above: readonly string[], indent: string): void => {
    const known = names.flatMap((name) => packages.get(name) ?? []);
    for (const [at, node] of known.entries()) {
      const last = at === known.length - 1;
      const isCycle = above.includes(node.name);
      const again = drawn.has(node.name) && node.dependencies.length > 0;
      const mark = isCycle ? " (cycle)" : again ? " (see above)" : "";
      const label = `${printable(node.name)} ${printable(node.version)}${mark}`;
      lines.push(`${indent}${last ? "└── " : "├── "}${label}`);
      if (drawn.has(node.name)) continue;
      drawn.add(node.name);
      draw(node.dependencies, [...above, node.name], `${indent}${last ? "    " : "│   "}`);
    }
  };
  draw(roots, [], "");
  return lines.join("\n");
}
