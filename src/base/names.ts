/* oxlint-disable typescript/no-unsafe-type-assertion -- a brand is put on by the checks above it */
import { fail, type LandError } from "./errors.ts";

declare const brand: unique symbol;
type Brand<T, B extends string> = T & { readonly [brand]: B };

/** `left` or `@ada/greet`: lower case ASCII, at most 64 characters, no reserved word. */
export type PackageName = Brand<string, "PackageName">;
/** A user or organisation, 2 to 39 characters. */
export type UserName = Brand<string, "UserName">;
/** A SemVer 2.0.0 version without leading `v` and without build metadata. */
export type Version = Brand<string, "Version">;
/** A dist-tag such as `latest`: never a valid range, never a word of the API. */
export type Tag = Brand<string, "Tag">;
/** A site: one DNS label of 1 to 50 characters, no reserved word. */
export type SiteName = Brand<string, "SiteName">;
/** The id of a deploy: 10 characters of `[a-z0-9]`, so that `<id>--<site>` is one DNS label. */
export type DeployId = Brand<string, "DeployId">;
/** `sha256:<64 lower case hex>`: the address of a blob. */
export type Digest = Brand<string, "Digest">;

const PART = /^[a-z0-9][a-z0-9._-]*$/;
const USER = /^[a-z0-9](?:-?[a-z0-9])*$/;
const WINDOWS_DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\.|$)/i;
const SEMVER =
  /^(?:0|[1-9]\d{0,15})\.(?:0|[1-9]\d{0,15})\.(?:0|[1-9]\d{0,15})(?:-(?:0|[1-9]\d*|\d*[a-z-][0-9a-z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-z-][0-9a-z-]*))*)?$/i;
const MAX_VERSION_LENGTH = 128;

/** Names nobody may take, besides Windows device names. */
const RESERVED = new Set([
  "land",
  "node_modules",
  "land_modules",
  "favicon.ico",
  "package.json",
  "__proto__",
  "constructor",
  "prototype",
  "hasownproperty",
  "tostring",
  "valueof",
  "isprototypeof",
  "tolocalestring",
  "propertyisenumerable",
]);

/** Labels that no site may have, besides what the configuration adds. */
const RESERVED_SITES = new Set(
  "www api app admin npm registry raw files docs mail smtp ns ns1 ns2 autodiscover wpad status land".split(
    " ",
  ),
);

/** Words that stand where a tag stands in the API's paths. */
const TAG_WORDS = new Set([
  "download",
  "downloads",
  "dependents",
  "tags",
  "owners",
  "deprecation",
  "unyank",
  "__proto__",
]);

/**
 * Checks a package name.
 *
 * @throws name_invalid, name_reserved
 */
export function parsePackageName(value: unknown): PackageName {
  const name = asString("a package name", value);
  const invalid = (problem: string): LandError =>
    fail("name_invalid", { what: "a package name", value: printable(name), problem });
  if (name.length > 64) throw invalid("it is longer than 64 characters");
  const parts = name.startsWith("@") ? name.slice(1).split("/") : [name];
  if (name.startsWith("@") && parts.length !== 2) throw invalid("a scoped name is @scope/name");
  for (const part of parts) {
    if (!PART.test(part))
      throw invalid("use a-z, 0-9, `.`, `_` and `-`, beginning with a letter or digit");
    if (part.endsWith(".")) throw invalid("it ends with a dot");
    if (RESERVED.has(part) || WINDOWS_DEVICE.test(part))
      throw fail("name_reserved", { name: printable(name) });
  }
  return name as PackageName;
}

/** The scope of a scoped name without its `@`, else undefined. */
export function scopeOf(name: PackageName): string | undefined {
  return name.startsWith("@") ? name.slice(1, name.indexOf("/")) : undefined;
}

/** Two names with the same canonical form are the same name for a new registration. */
export function canonicalName(name: string): string {
  return name.toLowerCase().replace(/[-_.]/g, "");
}

/**
 * Checks the name of a user or organisation.
 *
 * @throws name_invalid, name_reserved
 */
export function parseUserName(value: unknown): UserName {
  const name = asString("a user name", value);
  const invalid = (problem: string): LandError =>
    fail("name_invalid", { what: "a user name", value: printable(name), problem });
  if (name.length < 2 || name.length > 39) throw invalid("use 2 to 39 characters");
  if (!USER.test(name)) throw invalid("use a-z, 0-9 and single `-` between them");
  if (RESERVED.has(name) || WINDOWS_DEVICE.test(name)) throw fail("name_reserved", { name });
  return name as UserName;
}

/**
 * Checks the name of a site.
 *
 * @throws name_invalid
 */
export function parseSiteName(value: unknown): SiteName {
  const name = asString("a site name", value);
  if (isSiteName(name)) return name;
  const problem =
    name.length > 50
      ? "it is longer than 50 characters"
      : "use a-z, 0-9 and single `-` between them";
  throw fail("name_invalid", { what: "a site name", value: printable(name), problem });
}

/** Whether `value` has the form of a site name. */
export function isSiteName(value: string): value is SiteName {
  return value.length <= 50 && USER.test(value);
}

/** Whether a new site may not have this name; `more` are the words that the configuration adds. */
export function isReservedSiteName(name: SiteName, more: readonly string[]): boolean {
  return RESERVED_SITES.has(name) || more.includes(name);
}

/**
 * Checks the id of a deploy.
 *
 * @throws name_invalid
 */
export function parseDeployId(value: unknown): DeployId {
  const id = asString("a deploy id", value);
  if (isDeployId(id)) return id;
  throw fail("name_invalid", {
    what: "a deploy id",
    value: printable(id),
    problem: "it is 10 characters of a-z and 0-9",
  });
}

/** Whether `value` has the form of a deploy id. */
export function isDeployId(value: string): value is DeployId {
  return /^[a-z0-9]{10}$/.test(value);
}

/** Whether `value` is a version that `land` publishes: SemVer 2.0.0 without build metadata. */
export function isVersion(value: string): value is Version {
  if (value.length > MAX_VERSION_LENGTH || !SEMVER.test(value)) return false;
  const [major, minor, patch] = value.split("-", 1)[0]?.split(".") ?? [];
  return [major, minor, patch].every((part) => Number(part) <= Number.MAX_SAFE_INTEGER);
}

/**
 * Checks a version.
 *
 * @throws name_invalid
 * @see https://semver.org/spec/v2.0.0.html
 */
export function parseVersion(value: unknown): Version {
  const version = asString("a version", value);
  if (isVersion(version)) return version;
  const problem = version.startsWith("v")
    ? "leave out the leading v"
    : version.includes("+")
      ? "build metadata is not allowed"
      : "use SemVer, like 1.2.3 or 1.0.0-beta.1";
  throw fail("name_invalid", { what: "a version", value: printable(version), problem });
}

/**
 * Checks a dist-tag. `isRange` tells whether a text is a valid range, since no tag may be one.
 *
 * @throws name_invalid
 */
export function parseTag(value: unknown, isRange: (text: string) => boolean): Tag {
  const tag = asString("a tag", value);
  const problem = !/^[A-Za-z][A-Za-z0-9._-]{0,63}$/.test(tag)
    ? "use letters, digits, `.`, `_` and `-`, beginning with a letter, at most 64"
    : TAG_WORDS.has(tag.toLowerCase())
      ? "the word has a meaning in the API"
      : isRange(tag)
        ? "it reads as a version range"
        : undefined;
  if (problem) throw fail("name_invalid", { what: "a tag", value: printable(tag), problem });
  return tag as Tag;
}

/**
 * Checks the address of a blob.
 *
 * @throws name_invalid
 */
export function parseDigest(value: unknown): Digest {
  const digest = asString("a digest", value);
  if (/^sha256:[0-9a-f]{64}$/.test(digest)) return digest as Digest;
  throw fail("name_invalid", {
    what: "a digest",
    value: printable(digest),
    problem: "it is `sha256:` and 64 lower case hex digits",
  });
}

/** Whether a path segment would be a device on Windows, with or without extension. */
export function isWindowsDevice(segment: string): boolean {
  return WINDOWS_DEVICE.test(segment.replace(/[. ]+$/, ""));
}

/** Text from outside, safe for a terminal or a log line: no control or bidi characters, at most 200 long. */
export function printable(text: string): string {
  const clean = text.replace(UNPRINTABLE, "\uFFFD");
  return clean.length > 200 ? `${clean.slice(0, 199)}…` : clean;
}

/** Text of several lines from outside, safe for a terminal: keeps `\n` and `\t`. */
export function printableLines(text: string): string {
  return text.replace(UNPRINTABLE, (char) => (char === "\n" || char === "\t" ? char : "\uFFFD"));
}

const UNPRINTABLE =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

function asString(what: string, value: unknown): string {
  if (typeof value === "string" && value !== "") return value;
  const problem = value === "" || value === undefined ? "it is missing" : "it is not a text";
  throw fail("name_invalid", { what, value: "", problem });
}
