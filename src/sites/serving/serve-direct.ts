import type { Ctx } from "#store/ctx.ts";

import { sitesDomain } from "../addresses.ts";
import { effectiveProtection } from "../gate/gate-protection.ts";
import { findPage, servable } from "../rules/clean-urls.ts";
import { isFingerprinted } from "../rules/fingerprint.ts";
import { hasRules } from "../rules/resolve.ts";
import { contentTypeOf, isCompressible } from "../rules/types.ts";
import { findFile, hasFile } from "./load-manifest.ts";
import type { LoadedSite, Shown, SiteLoader } from "./load.ts";
import type { Bodies } from "./serve-bodies.ts";
import type { Preference } from "./serve-encoding.ts";
import { isCodedSize, tagCoded, takeRanges, varyByCoding } from "./serve-file.ts";
import { fileHeaders } from "./serve-headers.ts";
import type { Hot, Prepared } from "./serve-hot.ts";
import type { VisitorLimits } from "./serve-limits.ts";
import { lastModified } from "./serve-validators.ts";

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
    if (!loaded?.shown) return undefined;
    const { shown } = loaded;
    const nowMs = parts.ctx.now().getTime();
    if (!isOpen(parts.ctx, loaded, shown, nowMs) || !PLAIN.test(path)) return undefined;
    try {
      return prepareFile(own, ask, { loaded, shown, path, nowMs });
    } catch {
      // Bytes that cannot be read: who waits for them tells why.
      return undefined;
    }
  };
}

/** What files of a kind have in common. Headers of those that may be coded and of those that may not, once they were made. */
type Kind = {
  type: string;
  isPage: boolean;
  isCompressible: boolean;
  headers: Partial<Record<"coded" | "plain", Headers>>;
};
type Common = {
  /** What a name in a manifest tells of a file. */
  of: (path: string) => Kind;
};

/** Names that are remembered: what ten thousand sites are asked for is often called the same. */
const MAX_NAMES = 2000;
const MAX_NAME_CHARS = 100;

/** Remembers them: to copy headers takes a tenth of the time that making them does. There are as many kinds as types, times two. */
function createCommon(): Common {
  const kinds = new Map<string, Kind>();
  const names = new Map<string, Kind>();
  const kindOf = (path: string): Kind => {
    const type = contentTypeOf(path);
    const key = `${isFingerprinted(path) ? "kept" : ""} ${type}`;
    const before = kinds.get(key);
    if (before) return before;
    const isPage = /^text\/html\b/.test(type);
    const made: Kind = { type, isPage, isCompressible: isCompressible(type), headers: {} };
    kinds.set(key, made);
    return made;
  };
  return {
    of(path) {
      const before = names.get(path);
      if (before) return before;
      const kind = kindOf(path);
      if (names.size >= MAX_NAMES) names.clear();
      if (path.length <= MAX_NAME_CHARS) names.set(path, kind);
      return kind;
    },
  };
}

/** A copy of the headers that all files of a kind have, made by `make` for the first of them. */
function headersOf({ headers }: Kind, mayCode: boolean, make: () => Headers): Headers {
  const before = headers[mayCode ? "coded" : "plain"];
  if (before) return new Headers(before);
  const made = make();
  if (mayCode) varyByCoding(made);
  takeRanges(made);
  headers[mayCode ? "coded" : "plain"] = made;
  return new Headers(made);
}

type Target = { loaded: LoadedSite; shown: Shown; path: string; nowMs: number };

/** Whether everybody gets what lies in the deploy, and nothing else. */
function isOpen(
  ctx: DirectParts["ctx"],
  { site, isDeployAddress }: LoadedSite,
  shown: Shown,
  nowMs: number,
): boolean {
  if (isDeployAddress || site.maintenance || shown.program || hasRules(shown.rules.rules))
    return false;
  // Until then Last-Modified is no validator, and will be another.
  if (Math.ceil(shown.changedAtMs / 1000) * 1000 > nowMs) return false;
  return effectiveProtection(ctx, site) === "none";
}

function prepareFile(
  { ctx, bodies, hot, limits, common }: DirectParts & { common: Common },
  { url, host, kind, preference }: DirectAsk,
  { loaded, shown, path, nowMs }: Target,
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
  const of = common.of(found.path);
  const mayCode = of.isCompressible && isCodedSize(file);
  const sent = bodies.peek(file, preference.order, mayCode);
  if (!sent || !("kept" in sent.body)) return undefined;
  const about = { loaded, shown, path: found.path, route: path, host: name, status: 200 };
  const headers = headersOf(of, mayCode, () =>
    fileHeaders(ctx.config, { ...about, isGated: false }),
  );
  headers.set("last-modified", lastModified(shown.changedAtMs, nowMs));
  const tag = tagCoded(headers, file, sent);
  const prepared: Prepared = {
    headers,
    tag,
    body: sent.body.kept,
    visit: {
      siteId: loaded.site.id,
      path,
      bytes: sent.sizeBytes,
      isPage: of.isPage,
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
