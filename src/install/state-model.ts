import type { Digest, PackageName, Version } from "#base/names.ts";
import type { RegistryUrl } from "#remote/registry-url.ts";

/** A project that land installed. */
export type KnownProject = {
  /** Absolute, links resolved. */
  dir: string;
  /** ISO 8601. */
  lastUsedAt: string;
};

/** A package that is installed for the user, with the commands it brings. */
export type GlobalPackage = {
  name: PackageName;
  version: Version;
  digest: Digest;
  registry: RegistryUrl;
  /** As typed or made at the install: `^1.2.0`. */
  range: string;
  /** Commands linked in `$LAND_HOME/bin`, sorted. */
  bins: string[];
  /** ISO 8601. */
  installedAt: string;
};

/** `$LAND_HOME/state.json`: what cannot be found again by looking. */
export type State = {
  projects: KnownProject[];
  globals: GlobalPackage[];
  /** ISO 8601; when the store was last pruned by itself. */
  prunedAt?: string;
  /** Members that this land does not know, kept. */
  unknown: Readonly<Record<string, unknown>>;
};

/** The state of a home. Each verb throws `state_invalid`, `state_version_unknown` or `lock_busy` rather than lose what it cannot read. */
export type StateFile = {
  /** An empty state where there is no file. */
  read: () => Promise<State>;
  /** Changes it alone: under an OS lock, by temp + fsync + rename. What `edit` answers is answered. */
  change: <T>(edit: (state: State) => T) => Promise<T>;
};
