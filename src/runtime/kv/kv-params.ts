import { BridgeError } from "#bridge/model.ts";

import { KV_LIMITS, parseAddend, parseKey } from "./kv-check.ts";
import type { KvChange, KvCheck } from "./kv-model.ts";

/** The members of what a program sent, its own ones alone. Each refuses what is of another kind. */
export type Params = {
  any: (name: string) => unknown;
  text: (name: string) => string;
  textIfAny: (name: string) => string | undefined;
  number: (name: string) => number | undefined;
  list: (name: string, most: number) => readonly unknown[];
};

/** The parameters of a call. @throws kv_invalid as BridgeError */
export function readParams(value: unknown): Params {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw refuse("its parameters are no object");
  const any = (name: string): unknown =>
    Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
  const textIfAny = (name: string): string | undefined => {
    const member = any(name);
    if (member === undefined || member === null || typeof member === "string")
      return member ?? undefined;
    throw refuse(`"${name}" is no text`);
  };
  return {
    any,
    textIfAny,
    text(name) {
      const text = textIfAny(name);
      if (text === undefined) throw refuse(`"${name}" is missing`);
      return text;
    },
    number(name) {
      const member = any(name);
      if (member === undefined || member === null) return undefined;
      if (typeof member === "number") return member;
      throw refuse(`"${name}" is no number`);
    },
    list(name, most) {
      const member = any(name);
      if (!Array.isArray(member)) throw refuse(`"${name}" is no list`);
      if (member.length > most) throw refuse(`"${name}" has more than ${most} members`);
      return member;
    },
  };
}

/** The bytes that came with a call, for those that take some. @throws kv_invalid as BridgeError */
export function readBody(name: string, bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength > 0 && name !== "kv.put" && name !== "kv.commit")
    throw refuse("it takes no bytes");
  return bytes;
}

/** The keys of `kv.getMany`. @throws kv_invalid as BridgeError */
export function readKeys(params: Params): string[] {
  return params.list("keys", KV_LIMITS.getKeys).map((key) => parseKey(key));
}

/** The checks and changes of `kv.commit`, the values cut from `bytes` one after another. @throws kv_invalid as BridgeError */
export function readCommit(
  params: Params,
  bytes: Uint8Array,
): { checks: KvCheck[]; changes: KvChange[] } {
  const checks = params.list("checks", KV_LIMITS.checks).map((one) => {
    const check = readParams(one);
    return { key: check.text("key"), versionstamp: check.textIfAny("versionstamp") ?? null };
  });
  let at = 0;
  const take = (sizeBytes: number | undefined): Uint8Array => {
    if (sizeBytes === undefined || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0)
      throw refuse('"sizeBytes" is no size');
    if (at + sizeBytes > bytes.byteLength) throw refuse("it has fewer bytes than it says");
    at += sizeBytes;
    return bytes.subarray(at - sizeBytes, at);
  };
  const changes = params
    .list("mutations", KV_LIMITS.mutations)
    .map((one) => readChange(readParams(one), take));
  if (at !== bytes.byteLength) throw refuse("it has more bytes than it says");
  return { checks, changes };
}

function readChange(change: Params, take: (sizeBytes: number | undefined) => Uint8Array): KvChange {
  const key = change.text("key");
  const type = change.text("type");
  if (type === "delete") return { type, key };
  if (type === "sum" || type === "max" || type === "min")
    return { type, key, by: parseAddend(key, change.any("by")) };
  if (type !== "set") throw refuse("a mutation is set, delete, sum, max or min");
  return {
    type,
    key,
    value: take(change.number("sizeBytes")),
    expiresAt: change.number("expiresAt"),
    metadata: change.any("metadata"),
  };
}

function refuse(problem: string): BridgeError {
  return new BridgeError("kv_invalid", `Cannot use the key-value store so: ${problem}`);
}
