import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";

declare const brand: unique symbol;
/** The origin of a registry, such as `https://land.example.com`: lower case, without path or slash at the end. */
export type RegistryUrl = string & { readonly [brand]: "RegistryUrl" };

/**
 * Checks the address of a registry and writes it in its one form. A registry owns its origin, so an address with a path,
 * a query or a user name is refused: credentials are kept per origin.
 *
 * @throws name_invalid
 */
export function parseRegistryUrl(value: unknown): RegistryUrl {
  const text = typeof value === "string" ? value.trim() : "";
  const url = URL.parse(text);
  const problem = problemOf(text, url);
  if (problem === undefined && url && isOrigin(url.origin)) return url.origin;
  throw fail("name_invalid", {
    what: "the address of a registry",
    // What stands before an @ may be a password.
    value: printable(text.replace(/\/\/[^/]*@/, "//…@").replace(/[?#].*$/s, "")),
    problem: problem ?? "",
  });
}

function problemOf(text: string, url: URL | null): string | undefined {
  if (text === "") return "it is missing";
  if (text.length > 2048) return "it is too long";
  if (!url || !/^https?:$/.test(url.protocol))
    return "begin it with https:// or http://, like https://land.example.com";
  if (url.username || url.password) return "it holds a user name or password: use `land login`";
  if (url.pathname !== "/" || url.search || url.hash)
    return "a registry has a host of its own: leave out what follows the host";
  return undefined;
}

function isOrigin(origin: string): origin is RegistryUrl {
  return /^https?:\/\/[^/]+$/.test(origin);
}
