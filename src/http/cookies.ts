/**
 * The value of one cookie, or undefined where it is missing. Two different values under one name count as none: another
 * host under the same domain may have planted one, and nobody can tell which.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6265#section-4.2.2
 */
export function readCookie(request: Request, name: string): string | undefined {
  let found: string | undefined;
  for (const pair of (request.headers.get("cookie") ?? "").split(";")) {
    const at = pair.indexOf("=");
    if (at === -1 || pair.slice(0, at).trim() !== name) continue;
    const value = pair.slice(at + 1).trim();
    if (found !== undefined && found !== value) return undefined;
    found = value;
  }
  return found === "" ? undefined : found;
}

/** The name of a cookie of ours: with `__Host-`, which no other host can set, wherever the browser allows that. */
export function cookieName(base: string, secure: boolean): string {
  return secure ? `__Host-${base}` : base;
}

/** A Set-Cookie value for this host alone, unreadable for scripts. `maxAgeSeconds` 0 removes the cookie; none: until the browser closes. */
export function writeCookie(
  name: string,
  value: string,
  options: { secure: boolean; maxAgeSeconds?: number },
): string {
  const age = options.maxAgeSeconds === undefined ? "" : `; Max-Age=${options.maxAgeSeconds}`;
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Lax${age}${options.secure ? "; Secure" : ""}`;
}
