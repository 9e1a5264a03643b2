import type { HeaderRule, HeaderRules } from "./headers-parse.ts";
import { matchesHeaders } from "./headers-pattern.ts";

/**
 * The headers that `_headers` sends with a path, each rule that matches in its order: a later rule puts its header in the
 * place of an earlier one; within one rule values are joined with ", ". A value of "" says that the header is detached
 * (`! Name`): it is not to be sent, not even where the server would of itself. `path` is a `route` of `resolve`; without `host`
 * rules for one host do not hold. Names keep the case in which they are written; only Set-Cookie can come more than once.
 */
export function headersFor(
  rules: { readonly headers: HeaderRules },
  path: string,
  host?: string,
): ReadonlyArray<readonly [name: string, value: string]> {
  const { exact, wild } = rules.headers;
  if (exact.size === 0 && wild.length === 0) return [];
  const lower = path.toLowerCase();
  const whole = lower.endsWith("/") && lower !== "/" ? lower.slice(0, -1) : lower;
  const matching = [
    ...(exact.get(whole) ?? []),
    ...wild.filter(({ pattern }) => matchesHeaders(pattern, lower)),
  ].filter((rule) => isFor(rule, host));
  if (matching.length > 1) matching.sort((a, b) => a.order - b.order);
  return merge(matching);
}

function merge(rules: readonly HeaderRule[]): (readonly [string, string])[] {
  const sent = new Map<string, (readonly [string, string])[]>();
  for (const { headers } of rules) {
    const own = new Map<string, (readonly [string, string])[]>();
    for (const { name, value = "" } of headers) {
      const lower = name.toLowerCase();
      const before = value === "" ? undefined : own.get(lower)?.filter(([, text]) => text !== "");
      own.set(lower, [...(before ?? []), [name, value]]);
    }
    for (const [name, lines] of own) sent.set(name, lines);
  }
  return [...sent.values()].flat();
}

function isFor({ host: labels }: HeaderRule, host: string | undefined): boolean {
  if (labels === undefined) return true;
  const asked = host?.split(".");
  return (
    asked?.length === labels.length &&
    labels.every((label, at) => label === undefined || label === asked[at])
  );
}
