import { readFile } from "node:fs/promises";
import { isIP } from "node:net";

import { type CountryResponse, Reader } from "mmdb-lib";

import { plainAddress } from "#base/address.ts";
import type { Ctx } from "#store/ctx.ts";

/** The ISO 3166 code of an address, or undefined where nobody knows. */
export type CountryOf = (address: string) => string | undefined;

/**
 * Reads the database that the operator named in `traffic.countries`. Undefined where there is none; one that cannot be read is
 * told in the log, and no countries are recorded.
 *
 * @see https://maxmind.github.io/MaxMind-DB/
 */
export async function openCountries(ctx: Ctx): Promise<CountryOf | undefined> {
  const file = ctx.config["traffic.countries"];
  if (file === "") return undefined;
  try {
    const reader = new Reader<CountryResponse>(await readFile(file));
    return (address) => lookUp(reader, address);
  } catch (cause) {
    ctx.log.warn("countries not recorded", { setting: "traffic.countries", file, cause });
    return undefined;
  }
}

/** A file that is broken somewhere inside opens well, and fails or answers anything there. */
function lookUp(reader: Reader<CountryResponse>, address: string): string | undefined {
  if (isIP(address) === 0) return undefined;
  try {
    const found = reader.get(plainAddress(address));
    const code: unknown = found?.country?.iso_code ?? found?.registered_country?.iso_code;
    return typeof code === "string" && /^[A-Z]{2}$/.test(code) ? code : undefined;
  } catch {
    return undefined;
  }
}
