import type { Version } from "#base/names.ts";
import { isNarrower, isRange, parseRange, satisfies } from "#base/ranges.ts";

import type { RootManifest, ScopedOverride } from "./model.ts";

/** A range of the project that stands in for what someone asks of a package. One object per override of the project. */
export type Override = {
  range: string;
  /** Where only what this package asks is meant. */
  parent?: string;
  parentRange?: string;
  /** Tells it from the others of the project. */
  key: string;
};

/** What the project overrides. */
export type Overrides = {
  /** For a requirement of the project itself. */
  own: (name: string) => Override | undefined;
  /** For a requirement of one version of a package. */
  within: (parent: string, version: Version, name: string) => Override | undefined;
};

/** Makes the overrides of a project ready to be asked; a name that occurs nowhere costs nothing. */
export function createOverrides({ overrides, scopedOverrides = [] }: RootManifest): Overrides {
  const plain = new Map<string, Override>();
  for (const [name, range] of Object.entries(overrides)) plain.set(name, { range, key: "all" });
  const scoped = new Map<string, Map<string, Rule[]>>();
  for (const [index, written] of scopedOverrides.entries()) {
    const names = scoped.get(written.parent) ?? new Map<string, Rule[]>();
    scoped.set(written.parent, names);
    names.set(written.name, [...(names.get(written.name) ?? []), ruleOf(written, `${index}`)]);
  }
  return {
    own: (name) => plain.get(name),
    within(parent, version, name) {
      const rules = scoped.get(parent)?.get(name);
      return (rules && mostSpecific(rules, version)) ?? plain.get(name);
    },
  };
}

type Rule = { override: Override; parentRange: string | undefined };

function ruleOf({ parent, parentRange, range }: ScopedOverride, key: string): Rule {
  const about = parentRange === undefined ? { parent } : { parent, parentRange };
  return { override: { range, key, ...about }, parentRange };
}

function mostSpecific(rules: readonly Rule[], version: Version): Override | undefined {
  const fitting = rules.filter(({ parentRange }) => holds(parentRange, version));
  const best = fitting.find(
    (rule) => !fitting.some((other) => isNarrowerThan(other.parentRange, rule.parentRange)),
  );
  return best?.override;
}

function holds(parentRange: string | undefined, version: Version): boolean {
  if (parentRange === undefined) return true;
  return isRange(parentRange) && satisfies(version, parseRange(parentRange));
}

function isNarrowerThan(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return a !== undefined;
  return isNarrower(parseRange(a), parseRange(b));
}
