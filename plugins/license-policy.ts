import { type Expression, isMet, parseExpression, renderExpression } from "./spdx.ts";

/** What licenses the user takes. */
export type Policy = {
  /** Licenses that are taken; empty: all that are not denied. */
  allow: ReadonlySet<string>;
  deny: ReadonlySet<string>;
  /** Packages, `left` or `left@1.2.3`, that are taken whatever their license is, and why. */
  exceptions: Readonly<Record<string, string>>;
  /** Whether installs are refused too. */
  enforce: boolean;
};

/** How a license is called that nobody knows. */
export const UNKNOWN = "UNKNOWN";

/** Reads the settings of the plugin. Throws an Error that names what is wrong. */
export function readPolicy(settings: Readonly<Record<string, unknown>>): Policy {
  const { allow, deny, exceptions = {}, enforce = false } = settings;
  if (typeof enforce !== "boolean")
    throw new Error("the setting enforce is neither true nor false");
  return {
    allow: readNames("allow", allow),
    deny: readNames("deny", deny),
    exceptions: readReasons(exceptions),
    enforce,
  };
}

function readNames(key: string, value: unknown = []): Set<string> {
  if (!Array.isArray(value) || !value.every((one) => typeof one === "string"))
    throw new Error(`the setting ${key} is no list of licenses`);
  return new Set(value.map(normalise));
}

function readReasons(value: unknown): Record<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error("the setting exceptions is no object of packages with reasons");
  for (const [name, reason] of Object.entries(value))
    if (typeof reason !== "string" || reason === "")
      throw new Error(`the exception for "${name}" has no reason`);
  return Object.fromEntries(Object.entries(value).map(([name, reason]) => [name, String(reason)]));
}

/** Expressions of one license are compared as they are written out, others letter by letter. */
function normalise(text: string): string {
  const expression = parseExpression(text);
  return (expression ? renderExpression(expression) : text.trim()).toLowerCase();
}

/** Whether there is anything to hold packages to. */
export function isPolicy({ allow, deny }: Policy): boolean {
  return allow.size > 0 || deny.size > 0;
}

/** Why a package may not be there; undefined where it may. */
export function problemOfLicense(
  policy: Policy,
  { name, version }: { name: string; version: string },
  license: string | undefined,
): string | undefined {
  const { exceptions } = policy;
  if (Object.hasOwn(exceptions, name) || Object.hasOwn(exceptions, `${name}@${version}`))
    return undefined;
  const expression = license === undefined ? undefined : parseExpression(license);
  const taken = expression
    ? isMet(expression, (one) => accepts(policy, one))
    : acceptsText(policy, license ?? UNKNOWN);
  if (taken) return undefined;
  return license === undefined ? "no license is known of it" : `its license is ${license}`;
}

function accepts(policy: Policy, license: Expression & { kind: "license" }): boolean {
  const whole = renderExpression(license).toLowerCase();
  const bare = license.id.toLowerCase();
  const plain = renderExpression({
    kind: "license",
    id: license.id,
    plus: license.plus,
  }).toLowerCase();
  const names = [whole, plain, bare];
  // What is allowed word for word, as with its exception, is meant.
  if (policy.allow.has(whole) && !policy.deny.has(whole)) return true;
  if (names.some((name) => policy.deny.has(name))) return false;
  // An exception only permits more, and of several versions one may be chosen.
  return policy.allow.size === 0 || names.some((name) => policy.allow.has(name));
}

/** For what is no expression: `UNLICENSED`, `SEE LICENSE IN LICENSE.txt`, or nothing. */
function acceptsText({ allow, deny }: Policy, text: string): boolean {
  const name = text.trim().toLowerCase();
  return allow.has(name) || (allow.size === 0 && !deny.has(name));
}
