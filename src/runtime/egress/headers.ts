import type { HeaderList } from "#bridge/model.ts";

/** Headers of one connection alone (RFC 9110 section 7.6.1), and those that the host itself sets. */
const HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);
const OWN = new Set(["host", "expect", "content-length", "accept-encoding"]);
/** What describes a body that a redirect took away. @see https://fetch.spec.whatwg.org/#request-body-header-name */
const OF_BODY = new Set([
  "content-encoding",
  "content-language",
  "content-location",
  "content-type",
]);
/** What another origin must not get to see. */
const SECRET = new Set(["authorization", "cookie", "proxy-authorization"]);

/** Headers of a program as they are sent on: without those of a connection, the host's own, and what the bridge adds. */
export function sentHeaders(headers: HeaderList): [string, string][] {
  const named = namedByConnection(headers);
  const kept = headers
    .map(([name, value]): [string, string] => [name.toLowerCase(), value])
    .filter(([name]) => !OWN.has(name) && !HOP.has(name) && !named.has(name))
    .filter(([name]) => !name.startsWith("x-land-"));
  return kept.some(([name]) => name === "user-agent") ? kept : [...kept, ["user-agent", "land"]];
}

/** Headers of an answer as a program gets them; `flat` is name, value, name, value. */
export function gottenHeaders(flat: readonly string[]): [string, string][] {
  const headers: [string, string][] = [];
  for (let at = 0; at + 1 < flat.length; at += 2)
    headers.push([(flat[at] ?? "").toLowerCase(), flat[at + 1] ?? ""]);
  const named = namedByConnection(headers);
  return headers.filter(
    ([name]) => !HOP.has(name) && !named.has(name) && !name.startsWith("x-land-"),
  );
}

/** The headers that go along with a redirect. */
export function redirectedHeaders(
  headers: readonly [string, string][],
  change: { dropsBody: boolean; leavesOrigin: boolean },
): [string, string][] {
  return headers.filter(
    ([name]) =>
      !(change.dropsBody && OF_BODY.has(name)) && !(change.leavesOrigin && SECRET.has(name)),
  );
}

/** The value of a header that stands there once at most. */
export function headerOf(headers: HeaderList, name: string): string | undefined {
  return headers.find(([one]) => one.toLowerCase() === name)?.[1];
}

/** Headers that `Connection` names are of this connection alone, too. */
function namedByConnection(headers: HeaderList): ReadonlySet<string> {
  return new Set(
    headers
      .filter(([name]) => name.toLowerCase() === "connection")
      .flatMap(([, value]) => value.toLowerCase().split(","))
      .map((name) => name.trim()),
  );
}
