/** These names, and all that they need in turn, by the edges between these packages. Names of others are kept too. */
export function namesReachedFrom(
  names: readonly string[],
  packages: readonly { name: string; dependencies: readonly string[] }[],
): Set<string> {
  const edges = new Map(packages.map(({ name, dependencies }) => [name, dependencies]));
  const reached = new Set<string>();
  const open = [...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (reached.has(name)) continue;
    reached.add(name);
    open.push(...(edges.get(name) ?? []));
  }
  return reached;
}
