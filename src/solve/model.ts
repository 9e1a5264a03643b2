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
  /** Published more lately than the project allows: not picked unless it is locked. */
  tooNew?: true;
  engines?: Ranges;
};

/** A range that stands in for what one package asks of another; the project's own requirements are never meant. */
export type ScopedOverride = {
  parent: string;
  /** The versions of the parent it is about; without it all. What is no range holds no version. */
  parentRange?: string;
  name: string;
  range: string;
};

/** What the project asks for. A name under `optionalDependencies` is not looked for under `dependencies`, as in npm. */
export type RootManifest = {
  name?: string;
  dependencies: Ranges;
  devDependencies: Ranges;
  optionalDependencies: Ranges;
  /** Name → the range that stands in for every requirement on that name, the project's own included. */
  overrides: Ranges;
  /**
   * These come before `overrides`. Of several for one requirement the most specific counts: one with a `parentRange`
   * before one without, a narrower range before a wider, else the first.
   */
  scopedOverrides?: readonly ScopedOverride[];
};

/** A question to the solver. */
export type SolveInput = {
  root: RootManifest;
  /** Versions to prefer (from land.lock); never a constraint. A yanked or too new version is a candidate only here. */
  locked: ReadonlyMap<string, Version>;
  /**
   * All versions of a package in any order; undefined when there is no such package. Each name is asked for once per
   * solve, many at a time, also names the answer may not need. A failure is thrown out of `solve` if the name is needed.
   */
  versionsOf: (name: string) => Promise<readonly Candidate[] | undefined>;
  /** `lowest` takes the oldest version that fits, for library authors. Locked versions come first in both. */
  mode?: "highest" | "lowest";
  /** Names that the root asks for in another way than its manifest on disk: a suggested command has to say them too. */
  fresh?: ReadonlySet<string>;
  /** The running land, held against `engines.land`. Without it every engine fits. */
  landVersion?: string;
  /** Incompatibilities looked at before the search gives up with a failure. 20 million by default, a few seconds. */
  maxSteps?: number;
  /**
   * Begins when suggestions are looked for; once it is over, those found are all, whatever the registry still owes. Without
   * it they are bounded by steps alone, about a second of work.
   */
  patience?: () => Promise<unknown>;
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

/** How a requirement came to be, where it is not plain. */
type RequirementReason = {
  package: string;
  versions: string;
  on: string;
  /** Present where the project asks, and not under `dependencies`; `wanted` is what was asked of the solver beside it. */
  as?: "development" | "optional" | "wanted";
  /** Present where an override of the project decided: with a parent a scoped one. */
  override?: { parent?: string; parentRange?: string };
};

/** Why one step of a proof is a fact and not a conclusion. */
export type Reason =
  | ({ kind: "requirement" | "unmatched" | "unreadable"; range: string } & RequirementReason)
  | ({ kind: "missing" } & RequirementReason)
  | { kind: "yanked" | "too_new"; package: string; versions: string }
  | { kind: "engines"; package: string; versions: string; range: string; land: string };

/** A statement about one package: that one of these versions is installed, or (`installed` false) that none of them is. */
export type ProofTerm = {
  package: string;
  /** Present for the project itself, which is always installed. */
  project?: true;
  installed: boolean;
  /** As a person would write it, perhaps shortened. */
  versions: string;
  /** The same versions exactly: first and last of each run in the ordered list of all versions the registry told of. */
  runs: [string, string][];
};

/**
 * One step: the terms cannot all hold. It is a fact (`reason`) or follows from two earlier steps (`because`): whatever breaks
 * neither of them does not break it.
 */
export type ProofStep = {
  step: number;
  says: string;
  terms: ProofTerm[];
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
