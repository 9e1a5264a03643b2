import type { Manifest } from "#pack/manifest.ts";

import { REQUIREMENT_KINDS, type RequirementChange } from "./options.ts";

/** What an edit changes of the requirements of one manifest, sorted by kind and name; empty where it changes nothing of them. */
export function requirementChanges(
  folder: string,
  before: Manifest,
  after: Manifest,
): RequirementChange[] {
  return REQUIREMENT_KINDS.flatMap((kind) => {
    const names = Object.keys({ ...before[kind], ...after[kind] }).toSorted();
    return names.flatMap((name): RequirementChange[] => {
      const from = ownOf(before[kind], name);
      const to = ownOf(after[kind], name);
      if (from === to) return [];
      return [
        {
          folder,
          kind,
          name,
          ...(from !== undefined && { from }),
          ...(to !== undefined && { to }),
        },
      ];
    });
  });
}

/** The range of a name in a map that came from outside. */
export function ownOf(
  ranges: { readonly [name: string]: string },
  name: string,
): string | undefined {
  return Object.hasOwn(ranges, name) ? ranges[name] : undefined;
}
