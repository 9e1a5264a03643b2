import { type IgnoreRule, parseFilesPattern } from "./ignore-rules.ts";

/** The `files` of a manifest, ready to match. */
export type Patterns = {
  /** Whether there is a `files` at all. */
  given: boolean;
  rules: IgnoreRule[];
  /** Set where all is taken: without `files`, or by a pattern such as `*`. */
  everything: Chosen | undefined;
};

type Chosen = {
  why: string;
  /** What the pattern named: the file or a folder above it. */
  at: string;
};

/** What the rules say of a path; for a folder, what its contents inherit. */
export type Verdict = {
  git: IgnoreRule[];
  land: IgnoreRule[];
  chosen: Chosen | undefined;
  /** The ignore rule that takes the path out, as a reason to show. */
  ignored: string | undefined;
};

const LAND = ".landignore";

/** Reads `files`. A pattern that ends in `/*` or `/**` means its folder. */
export function parsePatterns(files: string[] | undefined): Patterns {
  if (files === undefined)
    return { given: false, rules: [], everything: { why: "default", at: "" } };
  const whole = files.find((text) => /^(?:\.|\*+(?:\/\*+)*)$/.test(text));
  const rules = files.filter((text) => text !== whole).map(parseFilesPattern);
  return {
    given: true,
    rules: rules.filter((rule) => rule !== undefined),
    everything: whole === undefined ? undefined : { why: `files: ${whole}`, at: "" },
  };
}

/** Judges one path, given what holds for its folder. */
export function judge(
  path: string,
  isFolder: boolean,
  above: Verdict,
  patterns: Patterns,
): Verdict {
  const last = (rules: IgnoreRule[]): IgnoreRule | undefined =>
    rules.findLast((rule) => rule.matches(path, isFolder));
  const pattern = last(patterns.rules);
  const named = pattern !== undefined && !pattern.negated;
  const chosen = named
    ? { why: `files: ${pattern.text}`, at: above.chosen?.at || path }
    : pattern === undefined
      ? above.chosen
      : undefined;
  const land = last(above.land);
  const verdict = { ...above, chosen };
  if (above.ignored?.startsWith(LAND) === true) return verdict;
  if (land !== undefined && !land.negated) return { ...verdict, ignored: `${LAND}: ${land.text}` };
  // Naming a path anew lifts what .gitignore says of the folders above it.
  if (above.ignored !== undefined && !named) return verdict;
  const git = land === undefined ? last(above.git) : undefined;
  const root = chosen?.at ?? "";
  const overruled = patterns.given && (path === root || git?.covers(root) === true);
  const hidden = git !== undefined && !git.negated && !overruled;
  return { ...verdict, ignored: hidden ? `.gitignore: ${git.text}` : undefined };
}
