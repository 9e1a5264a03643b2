import type { Ctx } from "#store/ctx.ts";

import { sitesDomain } from "../addresses.ts";
import { effectiveProtection } from "../gate/gate-protection.ts";
import { findPage, servable } from "../rules/clean-urls.ts";
import { isFingerprinted } from "../rules/fingerprint.ts";
import { hasRules } from "../rules/resolve.ts";
import { contentTypeOf } from "../rules/types.ts";
import { findFile, hasFile } from "./load-manifest.ts";
import type { LoadedSite, Shown, SiteLoader } from "./load.ts";
import type { Bodies } from "./serve-bodies.ts";
import type { Preference } from "./serve-encoding.ts";
import { describeFile, describeWhole, varies, varyByCoding } from "./serve-file.ts";
import { fileHeaders } from "./serve-headers.ts";
import type { Hot, Prepared } from "./serve-hot.ts";
import type { VisitorLimits } from "./serve-limits.ts";

/** What an answer is prepared from. */
export type DirectParts = {
  ctx: Pick<Ctx, "config" | "now" | "publicUrl">;
  loader: Pick<SiteLoader, "peek">;
  bodies: Pick<Bodies, "peek">;
  hot: Pick<Hot, "isWanted" | "put">;
  limits: Pick<VisitorLimits, "perMinute">;
};

/** A GET, as far as it was looked at. `kind`: as in `Place`. */
export type DirectAsk = {
  url: string;
  host: string;
  kind: number;
  preference: Preference;
};

/** Addresses that mean what they say: no query, no encoding, no dot before a name, no empty segment. */
const PLAIN = /^\/(?:[\w-][\w.-]*\/)*(?:[\w-][\w.-]*)?$/;

/**
 * Prepares the answer for a file at its own address on a site without rules, gate and program, out of what is in memory and
 * without waiting: the same that `answerSite` answers. Undefined wherever anything is not so plain, or not at hand.
 */
export function createDirect(parts: DirectParts): (ask: DirectAsk) => Prepared | undefined {
  const labelOf = createLabels(parts.ctx);
  const own = { ...parts, common: createCommon() };
  return (ask) => {
    const { url, host } = ask;
    const label = labelOf(host);
    if (label === undefined) return undefined;
    // Of a request in absolute form Bun tells the host of its target.
    const at = url.indexOf("://") + 3;
    if (!url.startsWith(host, at) || url.charAt(at + host.length) !== "/") return undefined;
    const path = url.slice(at + host.length);
    const loaded = parts.loader.peek(label);
    if (!loaded?.shown || !isOpen(parts.ctx, loaded, loaded.shown)) return undefined;
    if (!PLAIN.test(path)) return undefined;
    try {
      return prepareFile(own, ask, { loaded, shown: loaded.shown, path });
    } catch {
      // Bytes that cannot be read: who waits for them tells why.
      return undefined;
    }
  };
}

/** Headers that files of a kind have in common. */
type Common = {
  /** A copy of them, made by `make` for the first file of its kind. */
  of: (file: { type: string; mayCode: boolean; path: string }, make: () => Headers) => Headers;
};

/** Remembers them: to copy headers takes a tenth of the time that making them does. There are as many kinds as types, times four. */
function createCommon(): Common {
  const known = new Map<string, Headers>();
  return {
    of({ type, mayCode, path }, make) {
      const kind = `${mayCode ? "coded" : ""} ${isFingerprinted(path) ? "kept" : ""} ${type}`;
      const before = known.get(kind);
      if (before) return new Headers(before);
      const made = make();
      if (mayCode) varyByCoding(made);
      known.set(kind, made);
      return new Headers(made);
    },
  };
}

type Target = { loaded: LoadedSite; shown: Shown; path: string };

/** Whether everybody gets what lies in the deploy, and nothing else. */
function isOpen(
  ctx: DirectParts["ctx"],
  { site, isDeployAddress }: LoadedSite,
  shown: Shown,
): boolean {
  if (isDeployAddress || site.maintenance || shown.program || hasRules(shown.rules.rules))
    return false;
  // Until then Last-Modified is no validator, and will be another.
  if (Math.ceil(shown.changedAtMs / 1000) * 1000 > ctx.now().getTime()) return false;
  return effectiveProtection(ctx, site) === "none";
}

function prepareFile(
  { ctx, bodies, hot, limits, common }: DirectParts & { common: Common },
  { url, host, kind, preference }: DirectAsk,
  { loaded, shown, path }: Target,
): Prepared | undefined {
  const found = findPage(
    servable((of) => hasFile(shown.manifest, of)),
    path,
  );
  if (found?.kind !== "file") return undefined;
  const file = findFile(shown.manifest, found.path);
  if (file === undefined || file instanceof Promise) return undefined;
  const at = host.indexOf(":");
  const name = at === -1 ? host : host.slice(0, at);
  const type = contentTypeOf(found.path);
  const mayCode = varies(file, type);
  const sent = bodies.peek(file, preference.order, mayCode);
  if (!sent || !("kept" in sent.body)) return undefined;
  const about = { loaded, shown, path: found.path, route: path, host: name, status: 200 };
  const nowMs = ctx.now().getTime();
  const headers = common.of({ type, mayCode, path: found.path }, () =>
    fileHeaders(ctx.config, { ...about, isGated: false }),
  );
  describeFile(headers, { changedAtMs: shown.changedAtMs, nowMs });
  const tag = describeWhole(headers, file, sent);
  const prepared: Prepared = {
    headers,
    tag,
    body: sent.body.kept,
    visit: {
      siteId: loaded.site.id,
      path,
      bytes: sent.sizeBytes,
      isPage: /^text\/html\b/.test(type),
      host: name,
    },
    perMinute: limits.perMinute(loaded.site),
  };
  const place = { site: loaded.site.name, host, kind, url };
  // What is coded fast is sent until its best is there, which nobody tells the answers that are ready.
  if (!sent.isFast && hot.isWanted(place)) hot.put(place, prepared);
  return prepared;
}

/**
 * Reads what stands before the domain of sites in a Host header, in its one plain spelling: lower case, with our port or none.
 * What comes out is the key of a loaded site, or of nothing.
 */
function createLabels({
  config,
  publicUrl,
}: DirectParts["ctx"]): (host: string) => string | undefined {
  const domain = `.${sitesDomain({ config })}`;
  let address: string | undefined;
  let own: string | undefined;
  let withPort = domain;
  return (host) => {
    const now = publicUrl();
    if (now !== address) {
      address = now;
      const url = URL.parse(now);
      own = url?.hostname;
      withPort = url && url.port !== "" ? `${domain}:${url.port}` : domain;
    }
    const suffix = host.endsWith(domain) ? domain : withPort;
    if (!host.endsWith(suffix)) return undefined;
    const label = host.slice(0, -suffix.length);
    const name = label + domain;
    return name === own || name === config.domain ? undefined : label;
  };
}
