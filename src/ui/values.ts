import { printableLines } from "#base/names.ts";

/** A value of a command as pages read it: whatever is not as it should be is as if it were not there. */
export type Value = { readonly [key: string]: unknown };

/** The value as an object. */
export function objectOf(value: unknown): Value {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

/** The list under a key. */
export function listOf(value: unknown, key: string): readonly Value[] {
  const list = objectOf(value)[key];
  return Array.isArray(list) ? list.map(objectOf) : [];
}

/** The text under a key, without what would move or hide other text; "" where there is none. */
export function textOf(value: Value, key: string): string {
  const found = value[key];
  return typeof found === "string" ? printableLines(found) : "";
}

/** The number under a key; undefined where there is none. */
export function numberOf(value: Value, key: string): number | undefined {
  const found = value[key];
  return typeof found === "number" ? found : undefined;
}

/** The texts under a key, as `textOf` has them. */
export function textsOf(value: Value, key: string): readonly string[] {
  const list = value[key];
  return Array.isArray(list)
    ? list.filter((item) => typeof item === "string").map(printableLines)
    : [];
}
