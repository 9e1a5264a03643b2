/** Major, minor and patch of a version that is no pre-release, as most are. */
export type Numbers = readonly [major: number, minor: number, patch: number];
/** From the first one, to below the second. */
export type PlainRange = readonly [from: Numbers, below: Numbers];

/** Fifteen digits are exact as numbers, and so is one more. */
const NUMBERS = /^(0|[1-9]\d{0,14})\.(0|[1-9]\d{0,14})\.(0|[1-9]\d{0,14})$/;

/** The numbers of a version such as `1.2.3`; undefined for every other text. */
export function numbersOf(text: string): Numbers | undefined {
  const found = NUMBERS.exec(text);
  return found ? [Number(found[1]), Number(found[2]), Number(found[3])] : undefined;
}

/** What `^1.2.3`, `~1.2.3` and `1.2.3` mean, which most ranges are; undefined for every other text. @see https://github.com/npm/node-semver#ranges */
export function plainRangeOf(text: string): PlainRange | undefined {
  const sign = text[0];
  const isSign = sign === "^" || sign === "~";
  const from = numbersOf(isSign ? text.slice(1) : text);
  if (!from) return undefined;
  const [major, minor, patch] = from;
  if (sign === "~" || (sign === "^" && major === 0 && minor > 0))
    return [from, [major, minor + 1, 0]];
  if (sign === "^" && major > 0) return [from, [major + 1, 0, 0]];
  return [from, [major, minor, patch + 1]];
}

/** Whether a version that is no pre-release lies in a range. */
export function liesIn(numbers: Numbers, [from, below]: PlainRange): boolean {
  return compareNumbers(numbers, from) >= 0 && compareNumbers(numbers, below) < 0;
}

/** Negative where `a` is older. */
export function compareNumbers(a: Numbers, b: Numbers): number {
  return Math.sign(a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
}
