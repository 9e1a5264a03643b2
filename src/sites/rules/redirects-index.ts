import { runWhole, type Sliced } from "#base/slices.ts";

import type { CleanPath } from "./clean-urls.ts";
import { startWarnings } from "./redirects-lines.ts";
import type { RedirectRule } from "./redirects-parse.ts";

/**
 * Rules by what they match. A path is looked up once as a whole and once for each shape, however many rules there are: all
 * rules with placeholders at the same places and a splat at the same depth are one shape.
 */
export type RedirectIndex = ReadonlyMap<string, Shapes>;

type Shapes = { exact: Buckets; shapes: Map<string, Shape> };
/** A rule that is the only one of its path stands for its bucket: that are nearly all. */
type Buckets = Map<string, Bucket | RedirectRule>;
type Shape = {
  length: number;
  splat: boolean;
  holes: readonly number[];
  buckets: Buckets;
};
/** Rules that match the same paths, each list in order; `byQuery` by the first `key=value` that is asked for. */
type Bucket = { rules: RedirectRule[]; byQuery: Map<string, RedirectRule[]> };

/** Each shape costs a look-up for every request. */
const MAX_SHAPES = 200;
/** Rules that differ in conditions alone are tried one after the other. */
const MAX_ALIKE = 500;
/** Rules sorted in between two turns of others. */
const SLICE = 1000;

/** Sorts the rules in. Those past a limit are left out, each with a sentence. */
export function* sliceIndex(rules: readonly RedirectRule[]): Sliced<Indexed> {
  const warnings = startWarnings("_redirects");
  const index = new Map<string, Shapes>();
  let shapeCount = 0;
  for (const [at, rule] of rules.entries()) {
    if (at % SLICE === SLICE - 1) yield;
    const shapes = getOrMake(index, rule.from.origin, () => ({
      exact: new Map(),
      shapes: new Map(),
    }));
    const key = shapeKeyOf(rule);
    if (key !== "" && !shapes.shapes.has(key)) {
      shapeCount += 1;
      if (shapeCount > MAX_SHAPES) {
        warnings.add(
          rule.line,
          `placeholders and splats stand at more than ${MAX_SHAPES} different places`,
        );
        continue;
      }
    }
    if (!insert(shapes, key, rule))
      warnings.add(rule.line, `more than ${MAX_ALIKE} rules have this path`);
  }
  return { index, warnings: warnings.list() };
}

/** An index, and what was left out of it. */
export type Indexed = { index: RedirectIndex; warnings: string[] };

/** What `sliceIndex` answers, at once: for few rules. */
export function compileRedirects(rules: readonly RedirectRule[]): Indexed {
  return runWhole(sliceIndex(rules));
}

/** Lists of rules that match a path, each in order; `pairs` are the request's parameters as `key=value`, decoded. */
export function* rulesFor(
  index: RedirectIndex,
  origin: string,
  asked: CleanPath,
  pairs: readonly string[],
): Generator<readonly RedirectRule[]> {
  for (const key of ["", origin]) {
    const shapes = index.get(key);
    if (shapes === undefined) continue;
    const exact = shapes.exact.get(asked.segments.join("/"));
    if (exact !== undefined) yield* listsOf(exact, pairs);
    for (const shape of shapes.shapes.values()) {
      const depth = asked.segments.length;
      if (shape.splat ? depth < shape.length : depth !== shape.length) continue;
      const bucket = shape.buckets.get(bucketKey(asked.segments, shape.length, shape.holes));
      if (bucket !== undefined) yield* listsOf(bucket, pairs);
    }
  }
}

function* listsOf(
  bucket: Bucket | RedirectRule,
  pairs: readonly string[],
): Generator<readonly RedirectRule[]> {
  if ("line" in bucket) {
    yield [bucket];
    return;
  }
  yield bucket.rules;
  if (bucket.byQuery.size === 0) return;
  for (const pair of pairs) {
    const rules = bucket.byQuery.get(pair);
    if (rules !== undefined) yield rules;
  }
}

/** False where as many rules as there may be match the same. */
function insert(shapes: Shapes, shapeKey: string, rule: RedirectRule): boolean {
  const { from } = rule;
  const buckets =
    shapeKey === ""
      ? shapes.exact
      : getOrMake(shapes.shapes, shapeKey, () => ({
          length: from.depth,
          splat: from.splat,
          holes: [...from.names.keys()],
          buckets: new Map(),
        })).buckets;
  const known = buckets.get(from.key);
  if (known === undefined && needOf(rule) === undefined) {
    buckets.set(from.key, rule);
    return true;
  }
  const bucket: Bucket =
    known !== undefined && !("line" in known) ? known : { rules: [], byQuery: new Map() };
  if (known !== undefined && "line" in known) bucket.rules.push(known);
  if (known !== bucket) buckets.set(from.key, bucket);
  const need = needOf(rule);
  const list = need === undefined ? bucket.rules : getOrMake(bucket.byQuery, need, () => []);
  if (list.length >= MAX_ALIKE) return false;
  list.push(rule);
  return true;
}

/** The first `key=value` that a rule asks for. */
function needOf({ query }: RedirectRule): string | undefined {
  const need = query.find(({ value }) => value !== undefined);
  return need && `${need.key}=${need.value}`;
}

/** "" for a rule without placeholders and splat. */
function shapeKeyOf({ from }: RedirectRule): string {
  if (!from.splat && from.names.size === 0) return "";
  return `${from.depth}${from.splat ? "*" : ""}:${[...from.names.keys()].join()}`;
}

/** No segment is empty, so that an empty one can stand for a placeholder. */
function bucketKey(segments: readonly string[], length: number, holes: readonly number[]): string {
  const parts = segments.slice(0, length);
  for (const at of holes) parts[at] = "";
  return parts.join("/");
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
