import type { Ctx } from "#store/ctx.ts";

import type { Protection } from "../model.ts";

/** What protects a site: what its owner chose, and on a server of members no less than an account. */
export function effectiveProtection(
  { config }: Pick<Ctx, "config">,
  { protection }: { protection: Protection },
): Protection {
  return protection === "none" && config.access === "members" ? "members" : protection;
}

/** Directives that would let caches between the server and the visitor keep an answer. */
const SHARED = /^(?:public|private|s-maxage|proxy-revalidate)(?:$|[=\s])/i;

/**
 * The Cache-Control of an answer behind a gate: as `value` says, but for the visitor's own browser alone. Without it a proxy
 * could hand to anybody what one visitor was let in to see.
 *
 * @see RFC 9111 section 5.2.2
 */
export function cacheControlBehindGate(value: string | null | undefined): string {
  const directives = (value ?? "").match(/(?:"(?:[^"\\]|\\.)*"|[^",])+/g) ?? [];
  const kept = directives.map((part) => part.trim()).filter((part) => part && !SHARED.test(part));
  return ["private", ...kept].join(", ");
}
