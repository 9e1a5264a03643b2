import { LandError } from "#base/errors.ts";

import type { Env } from "./command.ts";

/**
 * An error as it was thrown, but where a request went without an account although LAND_TOKEN is set, with the hint that
 * tells why: the token was refused, or stayed at home since `--registry` names another registry than its own.
 */
export function explainToken(thrown: unknown, env: Env, registry: string | undefined): unknown {
  if (!(thrown instanceof LandError) || thrown.code !== "unauthenticated" || !env["LAND_TOKEN"])
    return thrown;
  const isOther = registry !== undefined && originOf(registry) !== originOf(env["LAND_REGISTRY"]);
  const hint = isOther
    ? "LAND_TOKEN goes to LAND_REGISTRY alone: set that too, instead of --registry"
    : "LAND_TOKEN is not valid there: it ended, was revoked or is of another registry";
  const { code, status, title, message: detail, data, requestId, exitCode } = thrown;
  const more = { ...(data && { data }), ...(requestId !== undefined && { requestId }) };
  return new LandError({ code, status, title, detail, hint, exitCode, ...more }, { cause: thrown });
}

function originOf(address: string | undefined): string | undefined {
  return URL.parse(address ?? "")?.origin;
}
