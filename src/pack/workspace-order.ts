import type { Member } from "./workspace.ts";

/**
 * The members in an order in which each comes after those of them that it needs where it is published. Members that need
 * each other stay in the order they were given.
 */
export function inDependencyOrder(members: readonly Member[]): Member[] {
  const byName = new Map<string, Member>(members.map((member) => [member.name, member]));
  const ordered = new Set<Member>();
  const seen = new Set<Member>();
  for (const first of members) {
    const open = [{ member: first, entered: false }];
    for (let step = open.pop(); step; step = open.pop()) {
      const { member, entered } = step;
      if (entered) ordered.add(member);
      if (entered || seen.has(member)) continue;
      seen.add(member);
      open.push({ member, entered: true });
      for (const name of neededBy(member).toReversed()) {
        const needed = byName.get(name);
        if (needed && !seen.has(needed)) open.push({ member: needed, entered: false });
      }
    }
  }
  return [...ordered];
}

function neededBy({ project: { manifest } }: Member): string[] {
  const { dependencies, optionalDependencies, peerDependencies } = manifest;
  return Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }).toSorted();
}

/** Whether a manifest says that it is for nobody else: `"private": true`. */
export function isPrivate({ project }: Pick<Member, "project">): boolean {
  return project.manifest.raw["private"] === true;
}
