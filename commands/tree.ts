import { printable } from "#base/names.ts";

import type { Style } from "./render.ts";

/** A package in the tree: one version of each name. `note` stands behind it. */
export type TreeNode = {
  name: string;
  version: string;
  dependencies: readonly string[];
  note?: string;
};

/** A line of a drawn tree, and those below it. */
export type Branch = { label: string; branches: readonly Branch[] };

/** What a tree leaves out, and how it looks. */
export type TreeOptions = {
  /** Steps below the roots; 0: the roots alone. All by default. */
  depth?: number;
  /** Names that were drawn by a tree before this one; what is drawn is added. */
  drawn?: Set<string>;
  style?: Pick<Style, "dim">;
};

/**
 * Draws which package needs which, from the `roots` down. What was drawn already is named again without its branches;
 * a package that needs itself by some way ends with `(cycle)`.
 */
export function renderTree(
  title: string,
  roots: readonly string[],
  packages: ReadonlyMap<string, TreeNode>,
  options: TreeOptions = {},
): string {
  const { depth = Number.POSITIVE_INFINITY, drawn = new Set<string>(), style } = options;
  const dim = style?.dim ?? ((text: string) => text);
  const branchesOf = (names: readonly string[], above: readonly string[]): Branch[] =>
    names.flatMap((name) => {
      const node = packages.get(name);
      if (!node) return [];
      const isCycle = above.includes(name);
      const isDeep = above.length >= depth;
      const again = drawn.has(name) && node.dependencies.length > 0;
      const mark = isCycle ? "(cycle)" : again && !isDeep ? "(see above)" : "";
      const notes = [node.note ?? "", mark].filter((note) => note !== "").map(dim);
      const label = [printable(name), printable(node.version), ...notes].join(" ");
      if (isDeep || drawn.has(name)) return [{ label, branches: [] }];
      drawn.add(name);
      return [{ label, branches: branchesOf(node.dependencies, [...above, name]) }];
    });
  return [title, ...drawBranches(branchesOf(roots, []))].join("\n");
}

/** The lines of a tree without its root. */
export function drawBranches(branches: readonly Branch[], indent = ""): string[] {
  return branches.flatMap(({ label, branches: below }, at) => {
    const last = at === branches.length - 1;
    return [
      `${indent}${last ? "└── " : "├── "}${label}`,
      ...drawBranches(below, `${indent}${last ? "    " : "│   "}`),
    ];
  });
}
