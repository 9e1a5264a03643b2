import { fail } from "#base/errors.ts";
import {
  type PackageName,
  parsePackageName,
  parseVersion,
  printable,
  type Version,
} from "#base/names.ts";

/** A package as it is typed: `left`, `left@^1.2.0`, `@ada/greet@beta`. What follows the `@` is not checked yet. */
export type Spec = { name: PackageName; wanted: string | undefined };

/**
 * Parts the name from what follows its `@`.
 *
 * @throws name_invalid, name_reserved
 */
export function parseSpec(text: string): Spec {
  const at = text.indexOf("@", 1);
  if (at < 0) return { name: parsePackageName(text), wanted: undefined };
  return { name: parsePackageName(text.slice(0, at)), wanted: text.slice(at + 1) || undefined };
}

/**
 * Reads names where a version has no meaning; `instead` is the command that takes one.
 *
 * @throws usage for what has one, name_invalid, name_reserved
 */
export function parseNames(texts: readonly string[], instead: string): PackageName[] {
  return texts.map((text) => {
    const at = text.indexOf("@", 1);
    if (at < 0) return parsePackageName(text);
    const name = parsePackageName(text.slice(0, at));
    throw fail("usage", {
      problem: `Cannot use "${printable(text)}": a name alone is taken here`,
      hint: `Write \`${name}\`; \`${instead} ${printable(text)}\` goes to that version`,
    });
  });
}

/**
 * Reads `left@1.2.3`, where the version must be there and exact.
 *
 * @throws usage, name_invalid, name_reserved
 */
export function parseExactSpec(text: string): { name: PackageName; version: Version } {
  const { name, wanted } = parseSpec(text);
  if (wanted !== undefined) return { name, version: parseVersion(wanted) };
  throw fail("usage", {
    problem: `Cannot tell which version of "${name}" is meant`,
    hint: `Write \`${name}@1.2.3\`; see the versions with \`land info ${name}\``,
  });
}

/**
 * Reads a whole number from 1 to `max` that a flag was given.
 *
 * @throws usage
 */
export function parseCount(flag: string, text: string, max: number): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= max) return count;
  throw fail("usage", { problem: `Cannot use "${printable(text)}" for ${flag}: use 1 to ${max}` });
}

/**
 * Reads a whole number from 0 on that a flag was given.
 *
 * @throws usage
 */
export function parseDepth(flag: string, text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw fail("usage", {
    problem: `Cannot use "${printable(text)}" for ${flag}: use a whole number from 0 on`,
  });
}
