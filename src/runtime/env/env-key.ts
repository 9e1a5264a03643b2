/**
 * `src/runtime/env` is the variables and secrets of sites: sealed on disk, given to programs, never told again.
 * The API, pages and the runtime call it. It must never put a secret into a log, an error, an answer or an argument.
 */
import { join } from "node:path";

import { fail } from "#base/errors.ts";
import type { Ctx } from "#store/ctx.ts";
import { readTextIfAny, writeFileAtomic, writeFileOnce } from "#store/files.ts";
import { seal, unseal } from "#store/seal.ts";

/** The keys that variables are sealed with. The first is the current one; the others open what was sealed before. */
export type EnvKeys = readonly { id: string; key: Uint8Array }[];
/** A sealed value, and which key opens it. */
export type Sealed = { sealed: Buffer; keyId: string };

const KEY_BYTES = 32;

/** What key files need. */
type Parts = Pick<Ctx, "config" | "random">;

/** The keys of the file `env.key`, which is made at its first use. @throws file_failed, sealed_unreadable where it is no key file */
export async function readEnvKeys({ config, random }: Parts): Promise<EnvKeys> {
  const path = join(config.data, "env.key");
  const text =
    (await readTextIfAny(path)) ??
    (await writeFileOnce(path, `${newLine(random)}\n`, 0o600).then(() => readTextIfAny(path))) ??
    "";
  const keys = text.split("\n").filter(Boolean).map(parseLine);
  if (keys.length === 0) throw fail("sealed_unreadable", { what: "env.key" });
  return keys;
}

/** Puts a new key before the others. @throws file_failed, sealed_unreadable */
export async function addEnvKey(parts: Parts): Promise<EnvKeys> {
  await readEnvKeys(parts);
  const path = join(parts.config.data, "env.key");
  const before = (await readTextIfAny(path)) ?? "";
  await writeFileAtomic(path, `${newLine(parts.random)}\n${before}`, { mode: 0o600 });
  return readEnvKeys(parts);
}

/** Seals a value for its site and name: elsewhere it opens nothing. @throws sealed_unreadable where there is no key */
export function sealValue(keys: EnvKeys, siteId: number, name: string, value: string): Sealed {
  const [current] = keys;
  if (!current) throw fail("sealed_unreadable", { what: "env.key" });
  const sealed = Buffer.from(seal(current.key, purposeOf(siteId, name), value));
  return { sealed, keyId: current.id };
}

/** The value. @throws sealed_unreadable where its key is gone, or it was changed */
export function openValue(
  keys: EnvKeys,
  siteId: number,
  name: string,
  { sealed, keyId }: Sealed,
): string {
  const key = keys.find(({ id }) => id === keyId)?.key;
  if (!key) throw fail("sealed_unreadable", { what: purposeOf(siteId, name) });
  return unseal(key, purposeOf(siteId, name), sealed);
}

function purposeOf(siteId: number, name: string): string {
  return `site ${siteId} variable ${name}`;
}

function newLine(random: Parts["random"]): string {
  const [id, key] = [random(4), random(KEY_BYTES)].map((bytes) =>
    Buffer.from(bytes).toString("hex"),
  );
  return `${id} ${key}`;
}

/** A line that is none is told without its text: it may be half a key. */
function parseLine(line: string): EnvKeys[number] {
  const [, id, hex] = /^([0-9a-f]{8}) ([0-9a-f]{64})\r?$/.exec(line) ?? [];
  if (id === undefined || hex === undefined) throw fail("sealed_unreadable", { what: "env.key" });
  return { id, key: new Uint8Array(Buffer.from(hex, "hex")) };
}
