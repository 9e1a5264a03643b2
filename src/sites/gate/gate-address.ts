import { isDeployId } from "#base/names.ts";
import { parseHost } from "#http/host.ts";
import type { Ctx } from "#store/ctx.ts";

import { OWN_FOLDER, sitesDomain } from "../addresses.ts";
import type { SiteRow } from "../rights.ts";

/** Under this prefix a site has no files: the server itself answers there. */
const OWN_PREFIX = `/${OWN_FOLDER}/`;
/** Where passes are asked for. */
export const ENTER = `${OWN_PREFIX}enter`;

/** Longer addresses than this do not survive being a parameter of a redirect. */
const MAX_PATH = 2000;

/**
 * A path and query on the same host, or `/` for everything that would lead elsewhere, such as `//evil.example`, `/\evil.example`
 * and `/..//evil.example`, and for what cannot be asked for after entering.
 */
export function ownPath(value: string | null | undefined): string {
  if (!value?.startsWith("/") || value.length > MAX_PATH) return "/";
  const url = URL.parse(value, "http://own.invalid");
  if (url?.origin !== "http://own.invalid") return "/";
  const path = `${url.pathname}${url.search}`;
  // A parser drops dots and tabs, and what is left may begin with two slashes after all.
  return path.startsWith("//") || path.startsWith(OWN_PREFIX) ? "/" : path;
}

/** The path and query of a request, as it was sent. */
export function pathOf(request: Request): string {
  const url = URL.parse(request.url, "http://own.invalid");
  return ownPath(url ? `${url.pathname}${url.search}` : "/");
}

/** The host of a request in lower case, without port; empty where it is malformed. */
export function hostOf(request: Request): string {
  return parseHost(request.headers.get("host")) ?? "";
}

/** Whether a host is the address of one deploy of a site. */
export function isDeployHost(ctx: Ctx, site: Pick<SiteRow, "name">, host: string): boolean {
  const tail = `--${site.name}.${sitesDomain(ctx)}`;
  return host.endsWith(tail) && isDeployId(host.slice(0, -tail.length));
}
