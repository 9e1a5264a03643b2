/**
 * `src/solve` picks the versions of a project: PubGrub over finite version lists, and the story of a failure.
 * Called by the client's commands. It must never touch disk, network or clock: it sees the registry through `versionsOf`.
 *
 * @see https://github.com/dart-lang/pub/blob/master/doc/solver.md
 */
import type { Version } from "#base/names.ts";

/** Name → range, as a manifest writes it. Neither side was checked yet. */
export type Ranges = Readonly<Record<string, string>>;

/** One version of a package, as an index line tells it. */
export type Candidate = {
  version: Version;
  dependencies: Ranges;
  optionalDependencies: Ranges;
  yanked: boolean;
  engines?: Ranges;
};

/** What the project asks for. A name under `optionalDependencies` is not looked for under `dependencies`, as in npm. */
export type RootManifest = {
  name?: string;
  dependencies: Ranges;
  devDependencies: Ranges;
  optionalDependencies: Ranges;
  /** Name → the range that stands in for every requirement on that name, the project's own included. */
  overrides: Ranges;
};

/** A question to the solver. */
export type SolveInput = {
  root: RootManifest;
  /** Versions to prefer (from land.lock); never a constraint. A yanked version is a candidate only here. */
  locked: ReadonlyMap<string, Version>;
  /**
   * All versions of a package in any order; undefined when there is no such package. Each name is asked for once per
   * solve, many at a time, also names the answer may not need. A failure is thrown out of `solve` if the name is needed.
   */
  versionsOf: (name: string) => Promise<readonly Candidate[] | undefined>;
  /** `lowest` takes the oldest version that fits, for library authors. Locked versions come first in both. */
  mode?: "highest" | "lowest";
  /** The running land, held against `engines.land`. Without it every engine fits. */
  landVersion?: string;
  /** Incompatibilities looked at before the search gives up with a failure. 20 million by default, a few seconds. */
  maxSteps?: number;
};

/** One package of a solution. */
export type SolvedPackage = {
  name: string;
  version: Version;
  /** Names of the packages it depends on that are part of the solution, sorted; optional ones only where they fit. */
  dependencies: string[];
};

/** Packages sorted by name, one version each, none that the project does not reach. */
export type Solution = { packages: SolvedPackage[] };

/** Why one step of a proof is a fact and not a conclusion. */
export type Reason =
  | { kind: "requirement"; package: string; versions: string; on: string; range: string }
  | { kind: "missing"; package: string; versions: string; on: string }
  | { kind: "unmatched"; package: string; versions: string; on: string; range: string }
  | { kind: "unreadable"; package: string; versions: string; on: string; range: string }
  | { kind: "yanked"; package: string; versions: string }
  | { kind: "engines"; package: string; versions: string; range: string; land: string };

/** One step: the terms cannot all hold. It is a fact (`reason`) or follows from two earlier steps (`because`). */
export type ProofStep = {
  step: number;
  says: string;
  terms: { package: string; installed: boolean; versions: string }[];
  because?: [number, number];
  reason?: Reason;
};

/** Why there is no solution. */
export type Failure = {
  kind: "unsolvable" | "gave_up";
  /** Numbered prose, one sentence a line, safe for a terminal. */
  explanation: string;
  /** Commands that were tried and lead to a solution, best first; may be empty. */
  suggestions: string[];
  /** The derivation as plain data; causes stand before what follows from them, the last step is the failure. */
  proof: ProofStep[];
};

/** A solution, or why there is none. */
export type SolveResult = { ok: true; solution: Solution } | { ok: false; failure: Failure };
