import { fail, type LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";

/** Most bytes of one value. */
const MAX_VALUE_BYTES = 64 * 1024;
/** Most bytes of all variables of a site, as JSON. */
const MAX_TOTAL_BYTES = 1024 * 1024;

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
/** What `env` has besides, and what an object must not be given. */
const RESERVED = new Set(["KV", "DB", "SOCKETS", "__proto__"]);

/** A name that a variable can have. @throws env_invalid */
export function parseEnvName(name: string): string {
  if (!NAME.test(name))
    throw invalid(name, "a name has 1 to 128 letters, digits and _, and begins with no digit");
  if (RESERVED.has(name) || name.startsWith("LAND_"))
    throw invalid(name, "the name is kept for what land itself gives to programs");
  return name;
}

/** A value that a variable can have. What it says is never repeated. @throws env_invalid */
export function parseEnvValue(name: string, value: string): string {
  if (Buffer.byteLength(value) > MAX_VALUE_BYTES)
    throw invalid(name, `its value has more than ${MAX_VALUE_BYTES} bytes`);
  if (value.includes("\0")) throw invalid(name, "its value holds a NUL");
  if (!value.isWellFormed()) throw invalid(name, "its value is not Unicode");
  return value;
}

/** @throws env_invalid where a site would have more than it may */
export function requireEnvRoom(
  values: ReadonlyMap<string, string>,
  last: string,
  most: number,
): void {
  if (values.size > most) throw invalid(last, `a site has at most ${most} variables and secrets`);
  const totalBytes = Buffer.byteLength(JSON.stringify(Object.fromEntries(values)));
  if (totalBytes > MAX_TOTAL_BYTES)
    throw invalid(
      last,
      `all variables and secrets of a site have at most ${MAX_TOTAL_BYTES} bytes`,
    );
}

function invalid(name: string, problem: string): LandError {
  const shown = name.length > 128 ? `${name.slice(0, 128)}…` : name;
  return fail("env_invalid", { key: printable(shown), problem });
}
