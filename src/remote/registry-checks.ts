import type { Check } from "#base/check.ts";
import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { isMap, readJson } from "#pack/json.ts";

import { readBody } from "./answer.ts";
import { type Transport, watchRequest } from "./network.ts";
import type { RegistryUrl } from "./registry-url.ts";

type Found = Omit<Check, "name">;

/** What a registry says of itself. */
export type Greeting = {
  roundTripMs: number;
  /** Of the land that runs there; undefined where it does not tell. */
  version: string | undefined;
  /** How far its clock is ahead of ours; undefined where it does not tell the time. */
  aheadMs: number | undefined;
};

const LIMIT_BYTES = 8_000_000;
/** Signatures of sessions and certificates bear a minute. */
const SKEW_MS = 60_000;
const SLOW_MS = 1500;

/** Greets a registry once. @throws network, cancelled */
export async function greetRegistry(
  transport: Transport,
  registry: RegistryUrl,
): Promise<Greeting> {
  const begin = performance.now();
  const { date } = await readOnce(transport, `${registry}/health`);
  const roundTripMs = performance.now() - begin;
  const at = Date.parse(date ?? "");
  // The header has no parts of a second.
  const aheadMs = Number.isNaN(at) ? undefined : at + 500 - transport.now().getTime();
  const described = await readOnce(transport, `${registry}/openapi.json`).catch(() => undefined);
  const read = described && readJson(described.text);
  const info = read && !("problem" in read) && isMap(read.value) ? read.value["info"] : undefined;
  const version = isMap(info) && typeof info["version"] === "string" ? info["version"] : undefined;
  return { roundTripMs, version, aheadMs };
}

/** What a greeting tells of the way to a registry. */
export function checkGreeting(registry: RegistryUrl, { roundTripMs, version }: Greeting): Found {
  const runs = version === undefined ? "" : `, land ${printable(version)}`;
  const detail = `${registry} answers in ${Math.round(roundTripMs)} ms${runs}`;
  if (roundTripMs < SLOW_MS) return { status: "ok", detail };
  return {
    status: "warn",
    detail,
    hint: "It is slow from here; --offline works with what is stored",
  };
}

/** What a greeting tells of our clock. */
export function checkClock({ aheadMs }: Greeting): Found {
  if (aheadMs === undefined) return { status: "warn", detail: "the registry tells no time" };
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  if (Math.abs(aheadMs) <= SKEW_MS) return { status: "ok", detail: "fits that of the registry" };
  return {
    status: "warn",
    detail: `${seconds} s ${aheadMs > 0 ? "behind" : "ahead of"} that of the registry`,
    hint: "Set the clock of this machine, best by NTP",
  };
}

async function readOnce(
  transport: Transport,
  url: string,
): Promise<{ text: string; date: string | null }> {
  const watch = watchRequest(transport);
  try {
    watch.next(transport.answerTimeoutMs);
    const { signal } = watch;
    const headers = { "user-agent": transport.userAgent };
    const response = await transport.fetch(url, { signal, redirect: "manual", headers });
    const { idleTimeoutMs } = transport;
    const text = await readBody(response, { url, limitBytes: LIMIT_BYTES, watch, idleTimeoutMs });
    if (!response.ok)
      throw fail("network", { url, problem: `it answers with status ${response.status}` });
    return { text, date: response.headers.get("date") };
  } catch (error) {
    const problem = watch.explain(error);
    throw fail("network", { url, problem }, { cause: error });
  } finally {
    watch.end();
  }
}
