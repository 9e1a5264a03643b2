/** A key-value store in memory that answers the calls of `src/bridge/calls.ts`. */
import type { CallAnswer } from "#bridge/model.ts";

type Entry = { bytes: Uint8Array; metadata: unknown; expiresAt: number | null; stamp: string };

type Params = {
  key: string;
  keys: string[];
  expiresAt?: number;
  metadata?: unknown;
  prefix?: string;
  limit?: number;
  cursor?: string;
  by: number;
  checks: { key: string; versionstamp: string | null }[];
  mutations: {
    type: string;
    key: string;
    sizeBytes: number;
    by: number;
    metadata?: unknown;
    expiresAt?: number;
  }[];
};

export function createMemoryKv(): (name: string, params: Params, bytes: Uint8Array) => CallAnswer {
  const entries = new Map<string, Entry>();
  let version = 0;
  const stampOf = (): string => String((version += 1)).padStart(20, "0");
  const find = (key: string) => {
    const entry = entries.get(key);
    return {
      versionstamp: entry?.stamp ?? null,
      expiresAt: entry?.expiresAt ?? null,
      metadata: entry?.metadata ?? null,
    };
  };
  const put = (key: string, bytes: Uint8Array, about: Partial<Params>, stamp: string): void => {
    const { metadata = null, expiresAt = null } = about;
    entries.set(key, { bytes: bytes.slice(), metadata, expiresAt, stamp });
  };
  const numberAt = (key: string): number => {
    const entry = entries.get(key);
    return entry ? Number(Buffer.from(entry.bytes).toString()) : 0;
  };
  return (name, params, bytes) => {
    if (name === "kv.get") {
      const found = entries.get(params.key);
      return { value: find(params.key), ...(found && { bytes: found.bytes }) };
    }
    if (name === "kv.getMany") {
      const found = params.keys.map((key) => entries.get(key));
      return {
        value: {
          entries: params.keys.map(find),
          sizes: found.map((each) => each?.bytes.length ?? -1),
        },
        bytes: Buffer.concat(found.flatMap((each) => (each ? [each.bytes] : []))),
      };
    }
    if (name === "kv.put") {
      const versionstamp = stampOf();
      put(params.key, bytes, params, versionstamp);
      return { value: { versionstamp } };
    }
    if (name === "kv.delete") {
      entries.delete(params.key);
      return { value: null };
    }
    if (name === "kv.list") {
      const { prefix = "", limit = 1000, cursor = "" } = params;
      const names = [...entries.keys()]
        .filter((key) => key.startsWith(prefix) && key > cursor)
        .toSorted();
      const page = names.slice(0, limit);
      const complete = page.length === names.length;
      return {
        value: {
          keys: page.map((key) => ({ name: key, ...find(key) })),
          complete,
          cursor: complete ? null : page.at(-1),
        },
      };
    }
    if (name === "kv.add") {
      const value = numberAt(params.key) + params.by;
      const versionstamp = stampOf();
      put(params.key, Buffer.from(String(value)), {}, versionstamp);
      return { value: { value, versionstamp } };
    }
    if (name !== "kv.commit") throw new Error(`no call ${name}`);
    if (params.checks.some((check) => find(check.key).versionstamp !== check.versionstamp))
      return { value: { ok: false } };
    const versionstamp = stampOf();
    let at = 0;
    for (const change of params.mutations) {
      if (change.type === "delete") entries.delete(change.key);
      else if (change.type === "set") {
        put(change.key, bytes.subarray(at, at + change.sizeBytes), change, versionstamp);
        at += change.sizeBytes;
      } else {
        const was = numberAt(change.key);
        const { by } = change;
        const next =
          change.type === "sum"
            ? was + by
            : change.type === "max"
              ? Math.max(was, by)
              : Math.min(was, by);
        put(change.key, Buffer.from(String(next)), {}, versionstamp);
      }
    }
    return { value: { ok: true, versionstamp } };
  };
}
