/**
 * All values that a request sends under the name of one cookie, as they came.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6265#section-4.2.2
 */
export function readCookies(request: Request, name: string): string[] {
  return pairsOf(request).flatMap(([key, value]) =>
    key === name && value !== undefined ? [value] : [],
  );
}

/** The names of the cookies of a request. */
export function cookieNames(request: Request): Set<string> {
  return new Set(pairsOf(request).map(([key]) => key));
}

/** Those with a name; what has no "=" has no value. */
function pairsOf({ headers }: Request): [name: string, value: string | undefined][] {
  return (headers.get("cookie") ?? "")
    .split(";")
    .map((pair): [string, string | undefined] => {
      const at = pair.indexOf("=");
      return at === -1
        ? [pair.trim(), undefined]
        : [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
    })
    .filter(([name]) => name !== "");
}

/**
 * The value of one cookie, or undefined where it is missing. Two different values under one name count as none: another
 * host under the same domain may have planted one, and nobody can tell which.
 */
export function readCookie(request: Request, name: string): string | undefined {
  const [first = "", ...others] = new Set(readCookies(request, name));
  return first === "" || others.length > 0 ? undefined : first;
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
