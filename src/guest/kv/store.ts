import type { HostCalls, KvFound, KvKey } from "#bridge/calls.ts";
import { BridgeError, type CallAnswer, type Link } from "#bridge/model.ts";

import { decodeText, isObject, natives, propertyOf } from "../natives.ts";
import { createAtomic } from "./atomic.ts";
import { bytesOfValue, checkKey, readPutOptions } from "./check.ts";

const MAX_KEYS = 100;

/** `env.KV`: the interface of a Workers KV namespace, and `atomic`. `expect` is told of each call that is answered at once. */
export function createKv(link: () => Link, expect: () => void): object {
  const ask = (name: KvCall, params: unknown, bytes?: Uint8Array): Promise<CallAnswer> => {
    if (READS.has(name)) expect();
    return askKv(link(), name, params, bytes);
  };
  return {
    async get(key: unknown, options?: unknown): Promise<unknown> {
      const type = readType(options);
      if (Array.isArray(key)) return getMany(ask, key, type, (value) => value);
      return (await getOne(ask, key, type)).value;
    },
    async getWithMetadata(key: unknown, options?: unknown): Promise<unknown> {
      const type = readType(options);
      if (Array.isArray(key))
        return getMany(ask, key, type, (value, found) => ({ value, ...found }));
      return getOne(ask, key, type);
    },
    async put(key: unknown, value: unknown, options?: unknown): Promise<void> {
      const name = checkKey("PUT", key);
      const kept = readPutOptions(options, natives.now());
      await ask("kv.put", { key: name, ...kept }, await wholeValue(value));
    },
    async delete(key: unknown): Promise<void> {
      await ask("kv.delete", { key: checkKey("DELETE", key) });
    },
    list: (options?: unknown): Promise<unknown> => list(ask, options),
    atomic: () => createAtomic(ask),
  };
}

/** Calls of a store. */
export type KvCall = Extract<keyof HostCalls, `kv.${string}`>;
/** Asks the host; what it refuses is worded as Workers does. */
export type AskKv = (name: KvCall, params: unknown, bytes?: Uint8Array) => Promise<CallAnswer>;

/** What the host answers without waiting for anything, values apart that are large. */
const READS: ReadonlySet<KvCall> = new Set(["kv.get", "kv.getMany", "kv.list"]);

const VERBS: Record<KvCall, string> = {
  "kv.get": "GET",
  "kv.getMany": "GET_BULK",
  "kv.put": "PUT",
  "kv.delete": "DELETE",
  "kv.list": "GET",
  "kv.add": "ADD",
  "kv.commit": "COMMIT",
};

async function askKv(
  link: Link,
  name: KvCall,
  params: unknown,
  bytes?: Uint8Array,
): Promise<CallAnswer> {
  try {
    return await link.call(name, params, bytes);
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
    const refused = new Error(`KV ${VERBS[name]} failed: ${error.message}`);
    throw Object.assign(refused, { code: error.code });
  }
}

type ValueType = "text" | "json" | "arrayBuffer" | "stream";

function readType(options: unknown): ValueType {
  const type = isObject(options) ? propertyOf(options, "type") : options;
  if (type === undefined || type === null) return "text";
  if (type === "text" || type === "json" || type === "arrayBuffer" || type === "stream")
    return type;
  throw new TypeError(
    'Unknown response type. Possible types are "text", "arrayBuffer", "json", and "stream".',
  );
}

/** What `getWithMetadata` tells beside the value. */
type About = { metadata: unknown; versionstamp: string | null; cacheStatus: null };

async function getOne(
  ask: AskKv,
  key: unknown,
  type: ValueType,
): Promise<About & { value: unknown }> {
  const { value: answer, bytes } = await ask("kv.get", { key: checkKey("GET", key) });
  const found = readFound(answer);
  const value = found.versionstamp === null ? null : convert(bytes ?? NOTHING, type);
  return { value, ...found };
}

async function getMany(
  ask: AskKv,
  keys: readonly unknown[],
  type: ValueType,
  entry: (value: unknown, about: About) => unknown,
): Promise<Map<string, unknown>> {
  if (keys.length > MAX_KEYS)
    throw new Error(`KV GET_BULK failed: 400 You can request a maximum of ${MAX_KEYS} keys`);
  if (type !== "text" && type !== "json")
    throw new TypeError(`"${type}" is not a valid type. Use "json" or "text"`);
  const names = keys.map((key) => checkKey("GET_BULK", key));
  const { value: answer, bytes = NOTHING } = await ask("kv.getMany", { keys: names });
  const entries = listIn(answer, "entries");
  const sizes = listIn(answer, "sizes");
  const found = new Map<string, unknown>();
  let at = 0;
  for (const [index, name] of names.entries()) {
    const size = Number(sizes[index] ?? -1);
    const value = size < 0 ? null : convert(bytes.subarray(at, at + size), type);
    at += Math.max(0, size);
    const about = readFound(entries[index]);
    found.set(name, entry(value, about));
  }
  return found;
}

function readFound(answer: unknown): About {
  const found: Partial<KvFound> = isObject(answer) ? answer : {};
  return {
    metadata: found.metadata ?? null,
    versionstamp: found.versionstamp ?? null,
    cacheStatus: null,
  };
}

function convert(bytes: Uint8Array, type: ValueType): unknown {
  if (type === "text") return decodeText(bytes);
  if (type === "json") return natives.parse(decodeText(bytes));
  if (type === "arrayBuffer") return new Uint8Array(bytes).buffer;
  return new Blob([new Uint8Array(bytes)]).stream();
}

async function wholeValue(value: unknown): Promise<Uint8Array> {
  const bytes = bytesOfValue(value);
  if (bytes) return bytes;
  return value instanceof natives.ReadableStream ? new natives.Response(value).bytes() : NOTHING;
}

async function list(ask: AskKv, options: unknown): Promise<unknown> {
  const [prefix, limit, cursor] = ["prefix", "limit", "cursor"].map((name) =>
    propertyOf(options, name),
  );
  const most = limit === undefined || limit === null ? 1000 : Number(limit);
  const wrong = (hint: string): Error =>
    new Error(
      `KV GET failed: 400 Invalid key_count_limit of ${most}. Please specify an integer ${hint}.`,
    );
  if (!Number.isInteger(most) || most < 1) throw wrong("greater than 0");
  if (most > 1000) throw wrong("less than 1000");
  const { value: answer } = await ask("kv.list", {
    limit: most,
    ...(typeof prefix === "string" && prefix !== "" && { prefix }),
    ...(typeof cursor === "string" && cursor !== "" && { cursor }),
  });
  const complete = propertyOf(answer, "complete") === true;
  const next = propertyOf(answer, "cursor");
  return {
    keys: listIn(answer, "keys").map(readKey),
    list_complete: complete,
    ...(!complete && { cursor: next }),
    cacheStatus: null,
  };
}

function readKey(entry: unknown): object {
  const { name, expiresAt, metadata }: Partial<KvKey> = isObject(entry) ? entry : {};
  return {
    name,
    ...(typeof expiresAt === "number" && { expiration: Math.ceil(expiresAt / 1000) }),
    ...(metadata !== undefined && metadata !== null && { metadata }),
  };
}

function listIn(answer: unknown, name: string): readonly unknown[] {
  const found = propertyOf(answer, name);
  return Array.isArray(found) ? found : [];
}

const NOTHING = new Uint8Array(0);
