import type SemverRange from "semver/classes/range.js";
import type SemverVersion from "semver/classes/semver.js";
import type isSubset from "semver/ranges/subset.js";

/** What is used of node-semver. */
export type NodeSemver = {
  SemverRange: typeof SemverRange;
  SemverVersion: typeof SemverVersion;
  isSubset: typeof isSubset;
};

let loaded: NodeSemver | undefined;

/** node-semver, loaded when it is first needed: that takes milliseconds, and what is plain needs none of it. */
export function nodeSemver(): NodeSemver {
  loaded ??= {
    SemverRange: require("semver/classes/range.js"),
    SemverVersion: require("semver/classes/semver.js"),
    isSubset: require("semver/ranges/subset.js"),
  };
  return loaded;
}
