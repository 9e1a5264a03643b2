import { join } from "node:path";

import { byText } from "#base/order.ts";
import type { Manifest } from "#pack/manifest.ts";
import { readProject } from "#pack/project.ts";

import type { ProjectRoot } from "./list-roots.ts";
import { type Installed, listInstalled } from "./list.ts";
import { ROOT_FOLDER } from "./lock-fit.ts";
import type { RequirementKind } from "./options.ts";
import { ownOf } from "./requirement-changes.ts";

/** Who needs a package, and who needs that one: the tree of dependencies, read upwards. */
export type WhyNode = {
  /** Absent for a project without a name. */
  name?: string;
  version?: string;
  /** Where a way ends: the folder of the project or member, relative to the root. */
  folder?: string;
  /** What it asks for of the node above; absent where its manifest is not installed. */
  range?: string;
  kind: RequirementKind;
  /** Nearest to a project first. */
  dependents: WhyNode[];
  /** Why there is nothing below: it stands above on this way, or was shown before. */
  again?: "cycle" | "seen";
};

/** Why a package is there. */
export type Why = {
  name: string;
  version: string;
  /** The folder of a member of the workspace. */
  member?: string;
  /** False where only land.lock knows it. */
  installed: boolean;
  /** The range of the project's `overrides` that stands in for what all of them ask. */
  override?: string;
  /** Empty where nothing needs it. */
  dependents: WhyNode[];
};

/** The answer, or the names that could have been meant. */
export type WhyAnswer = { found: Why } | { found?: undefined; names: string[] };

/**
 * Every way from a project and the members of its workspace to a package. What was shown once is named again without what is below
 * it, so that the answer grows with the requirements and not with the ways.
 *
 * @throws manifest_missing, manifest_invalid, lock_invalid, lock_version_unknown
 */
export async function explainInstalled(dir: string, name: string): Promise<WhyAnswer> {
  const installed = await listInstalled(dir);
  const graph = graphOf(installed);
  const version = graph.versions.get(name);
  const members = graph.roots.filter(({ folder }) => folder !== ROOT_FOLDER);
  const member = members.find((root) => root.name === name);
  if (version === undefined && !member)
    return { names: [...graph.versions.keys(), ...members.flatMap((root) => root.name ?? [])] };
  const tree = await upwards(graph, name);
  const isThere = installed.packages.some((item) => item.name === name);
  const override = ownOf(installed.project.manifest.overrides, name);
  return {
    found: {
      name,
      version: version ?? member?.version ?? "0.0.0",
      ...(member && { member: member.folder }),
      installed: isThere || member !== undefined,
      ...(override !== undefined && { override }),
      dependents: tree,
    },
  };
}

type Graph = {
  versions: Map<string, string>;
  /** Name → names of those that need it. */
  dependents: Map<string, string[]>;
  roots: readonly ProjectRoot[];
  /** Steps from the nearest root; a root's own requirements are 1 away. */
  distances: Map<string, number>;
  manifestOf: (name: string) => Promise<Manifest | undefined>;
};

function graphOf({ project, lock, packages, roots }: Installed): Graph {
  const all = [...packages, ...(lock?.packages ?? [])];
  const versions = new Map<string, string>(all.map(({ name, version }) => [name, version]));
  const edges = new Map<string, readonly string[]>(
    all.map(({ name, dependencies }) => [name, dependencies]),
  );
  const dependents = new Map<string, string[]>();
  for (const [name, wanted] of edges)
    for (const one of wanted) dependents.set(one, [...(dependents.get(one) ?? []), name]);
  const manifests = new Map<string, Promise<Manifest | undefined>>();
  const manifestOf: Graph["manifestOf"] = (name) => {
    const known = manifests.get(name);
    if (known) return known;
    const found = readProject(join(project.dir, project.installDir, name)).then(
      ({ manifest }) => manifest,
      // What is not installed, or was changed there, tells no range; the way is known from the lock.
      () => undefined,
    );
    manifests.set(name, found);
    return found;
  };
  return { versions, dependents, roots, distances: distancesOf(roots, edges), manifestOf };
}

function distancesOf(
  roots: readonly ProjectRoot[],
  edges: ReadonlyMap<string, readonly string[]>,
): Map<string, number> {
  const distances = new Map<string, number>();
  let open = new Set(roots.flatMap(({ requirements }) => requirements.map(({ name }) => name)));
  for (let distance = 1; open.size > 0; distance++) {
    const next = new Set<string>();
    for (const name of open) {
      if (distances.has(name) || !edges.has(name)) continue;
      distances.set(name, distance);
      for (const wanted of edges.get(name) ?? []) next.add(wanted);
    }
    open = next;
  }
  return distances;
}

/** Breadth first, so that each package is shown whole where it is nearest, and named again elsewhere. */
async function upwards(graph: Graph, target: string): Promise<WhyNode[]> {
  const top: WhyNode[] = [];
  const shown = new Set([target]);
  const open = [{ name: target, above: [target], nodes: top }];
  for (let next = open.shift(); next; next = open.shift()) {
    const { name, above, nodes } = next;
    nodes.push(...graph.roots.flatMap((root) => rootNode(root, name) ?? []));
    for (const dependent of nearestFirst(graph, name)) {
      const node = await packageNode(graph, dependent, name);
      nodes.push(node);
      if (above.includes(dependent)) node.again = "cycle";
      else if (shown.has(dependent)) node.again = "seen";
      else {
        shown.add(dependent);
        open.push({ name: dependent, above: [...above, dependent], nodes: node.dependents });
      }
    }
  }
  return top;
}

function nearestFirst({ dependents, distances }: Graph, name: string): string[] {
  const far = (one: string): number => distances.get(one) ?? Number.MAX_SAFE_INTEGER;
  return (dependents.get(name) ?? []).toSorted((a, b) => far(a) - far(b) || byText(a, b));
}

function rootNode(root: ProjectRoot, wanted: string): WhyNode | undefined {
  const requirement = root.requirements.find(({ name }) => name === wanted);
  if (!requirement) return undefined;
  const { name, version, folder } = root;
  const { range, kind } = requirement;
  return {
    ...(name !== undefined && { name }),
    ...(version !== undefined && { version }),
    folder,
    range,
    kind,
    dependents: [],
  };
}

async function packageNode(graph: Graph, name: string, wanted: string): Promise<WhyNode> {
  const manifest = await graph.manifestOf(name);
  const version = graph.versions.get(name);
  const isOptional = Object.hasOwn(manifest?.optionalDependencies ?? {}, wanted);
  const kind = isOptional ? "optionalDependencies" : "dependencies";
  const range = ownOf(manifest?.[kind] ?? {}, wanted);
  return {
    name,
    ...(version !== undefined && { version }),
    ...(range !== undefined && { range }),
    kind,
    dependents: [],
  };
}
