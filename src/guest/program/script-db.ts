import { decodeText, encodeText, natives, propertyOf } from "../natives.ts";
import type { AskSync } from "./sync-link.ts";

/** `db` of scripts: the site's key-value store with values of JSON, without waiting. */
export type ScriptDb = {
  get: (key: unknown) => unknown;
  set: (key: unknown, value: unknown) => void;
  add: (key: unknown, by?: unknown) => number;
  delete: (key: unknown) => void;
  list: (prefix?: unknown) => { key: string; value: unknown }[];
};

/** Keys and values are asked for in portions of this. */
const PAGE = 100;

/** `db` over blocking calls. */
export function createScriptDb(ask: AskSync): ScriptDb {
  return {
    get(key) {
      const { value, bytes } = ask("kv.get", { key: checkKey(key) });
      return propertyOf(value, "versionstamp") === null ? null : read(bytes);
    },
    set(key, value) {
      const text = natives.stringify(value);
      if (text === undefined) throw new TypeError("db.set() takes what JSON can say");
      ask("kv.put", { key: checkKey(key) }, encodeText(text));
    },
    add(key, by = 1) {
      const { value } = ask("kv.add", { key: checkKey(key), by: Number(by) });
      return Number(propertyOf(value, "value"));
    },
    delete(key) {
      ask("kv.delete", { key: checkKey(key) });
    },
    list(prefix = "") {
      const keys = listKeys(ask, prefix === "" ? "" : checkKey(prefix));
      const entries: { key: string; value: unknown }[] = [];
      for (let at = 0; at < keys.length; at += PAGE)
        entries.push(...readMany(ask, keys.slice(at, at + PAGE)));
      return entries;
    },
  };
}

function listKeys(ask: AskSync, prefix: string): string[] {
  const keys: string[] = [];
  let cursor: unknown;
  do {
    const params = {
      limit: 1000,
      ...(prefix !== "" && { prefix }),
      ...(isText(cursor) && { cursor }),
    };
    const { value } = ask("kv.list", params);
    const page: unknown = propertyOf(value, "keys");
    for (const entry of Array.isArray(page) ? page : [])
      keys.push(String(propertyOf(entry, "name")));
    cursor = propertyOf(value, "cursor");
  } while (isText(cursor));
  return keys;
}

function readMany(ask: AskSync, keys: string[]): { key: string; value: unknown }[] {
  const { value, bytes = new Uint8Array(0) } = ask("kv.getMany", { keys });
  const sizes: unknown = propertyOf(value, "sizes");
  const found: { key: string; value: unknown }[] = [];
  let at = 0;
  for (const [index, key] of keys.entries()) {
    const size = Number(Array.isArray(sizes) ? sizes[index] : -1);
    if (!(size >= 0)) continue; // it ended meanwhile
    found.push({ key, value: read(bytes.subarray(at, at + size)) });
    at += size;
  }
  return found;
}

/** JSON; a text where it is none, as `land kv set` may have put it there. */
function read(bytes: Uint8Array | undefined): unknown {
  const text = decodeText(bytes ?? new Uint8Array(0));
  try {
    return natives.parse(text);
  } catch {
    return text;
  }
}

function checkKey(key: unknown): string {
  if (typeof key === "number") return String(key);
  if (typeof key !== "string" || key === "")
    throw new TypeError("A key of db is a text and not empty");
  return key;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
