import type { Solution } from "./model.ts";

/**
 * The packages of a solution in an order in which each comes after what it depends on. Packages that depend on each
 * other stand in one group; every other group has one name. Names in a group are sorted.
 */
export function orderInstall({ packages }: Solution): string[][] {
  const edges = new Map(packages.map(({ name, dependencies }) => [name, dependencies]));
  const found = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const grouped = new Set<string>();
  const groups: string[][] = [];

  // Tarjan's algorithm with its own stack: a chain of thousands of packages must not end the call stack.
  const lower = (name: string, to: number): void =>
    void lowest.set(name, Math.min(lowest.get(name) ?? to, to));
  const visit = (start: string): void => {
    const path: { name: string; at: number }[] = [];
    const enter = (name: string): void => {
      found.set(name, found.size);
      lowest.set(name, found.size - 1);
      open.push(name);
      path.push({ name, at: 0 });
    };
    enter(start);
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const next = edges.get(top.name)?.[top.at++];
      if (next === undefined) {
        path.pop();
        const low = lowest.get(top.name) ?? 0;
        const parent = path.at(-1);
        if (parent) lower(parent.name, low);
        if (low === found.get(top.name)) closeGroup(top.name);
      } else if (edges.has(next) && !found.has(next)) enter(next);
      else if (edges.has(next) && !grouped.has(next)) lower(top.name, found.get(next) ?? 0);
    }
  };
  const closeGroup = (root: string): void => {
    const group = open.splice(open.lastIndexOf(root));
    for (const name of group) grouped.add(name);
    groups.push(group.toSorted());
  };

  for (const { name } of packages) if (!found.has(name)) visit(name);
  return groups;
}

/** The cycles of a solution: each a sorted list of packages that all depend on each other, a package on itself included. */
export function findCycles(solution: Solution): string[][] {
  const itself = new Set(
    solution.packages
      .filter(({ name, dependencies }) => dependencies.includes(name))
      .map(({ name }) => name),
  );
  return orderInstall(solution).filter(
    ([first, ...rest]) => rest.length > 0 || itself.has(first ?? ""),
  );
}
