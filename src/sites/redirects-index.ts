import type { CleanPath } from "./clean-urls.ts";
import { startWarnings } from "./redirects-lines.ts";
import type { RedirectRule } from "./redirects-parse.ts";

/**
 * Rules by what they match. A path is looked up once as a whole and once for each shape, however many rules there are: all
 * rules with placeholders at the same places and a splat at the same depth are one shape.
 */
export type RedirectIndex = ReadonlyMap<string, Shapes>;

type Shapes = { exact: Map<string, Bucket>; shapes: Map<string, Shape> };
type Shape = {
  length: number;
  splat: boolean;
  holes: readonly number[];
  buckets: Map<string, Bucket>;
};
/** Rules that match the same paths, each list in order; `byQuery` by the first `key=value` that is asked for. */
type Bucket = { rules: RedirectRule[]; byQuery: Map<string, RedirectRule[]> };

/** Each shape costs a look-up for every request. */
const MAX_SHAPES = 200;
/** Rules that differ in conditions alone are tried one after the other. */
const MAX_ALIKE = 500;

/** Sorts the rules in. Those past a limit are left out, each with a sentence. */
export function compileRedirects(rules: readonly RedirectRule[]): {
  index: RedirectIndex;
  warnings: string[];
} {
  const warnings = startWarnings("_redirects");
  const index = new Map<string, Shapes>();
  let shapeCount = 0;
  for (const rule of rules) {
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
    const list = listFor(shapes, key, rule);
    if (list.length < MAX_ALIKE) list.push(rule);
    else warnings.add(rule.line, `more than ${MAX_ALIKE} rules have this path`);
  }
  return { index, warnings: warnings.list() };
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

function* listsOf(bucket: Bucket, pairs: readonly string[]): Generator<readonly RedirectRule[]> {
  yield bucket.rules;
  if (bucket.byQuery.size === 0) return;
  for (const pair of pairs) {
    const rules = bucket.byQuery.get(pair);
    if (rules !== undefined) yield rules;
  }
}

function listFor(shapes: Shapes, shapeKey: string, rule: RedirectRule): RedirectRule[] {
  const { from, query } = rule;
  const holes = [...from.names.keys()];
  const buckets =
    shapeKey === ""
      ? shapes.exact
      : getOrMake(shapes.shapes, shapeKey, () => ({
          length: from.segments.length,
          splat: from.splat,
          holes,
          buckets: new Map<string, Bucket>(),
        })).buckets;
  const key = bucketKey(from.segments, from.segments.length, holes);
  const bucket = getOrMake(buckets, key, () => ({ rules: [], byQuery: new Map() }));
  const need = query.find(({ value }) => value !== undefined);
  return need === undefined
    ? bucket.rules
    : getOrMake(bucket.byQuery, `${need.key}=${need.value}`, () => []);
}

/** "" for a rule without placeholders and splat. */
function shapeKeyOf({ from }: RedirectRule): string {
  if (!from.splat && from.names.size === 0) return "";
  return `${from.segments.length}${from.splat ? "*" : ""}:${[...from.names.keys()].join()}`;
}

/** No segment is empty, so that an empty one can stand for a placeholder. */
function bucketKey(
  segments: readonly (string | undefined)[],
  length: number,
  holes: readonly number[],
): string {
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
