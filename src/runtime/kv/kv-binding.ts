import { LandError } from "#base/errors.ts";
import type { Log } from "#base/log.ts";
import { createTurns, type Turns } from "#base/turns.ts";
import type { HostCalls, KvFound } from "#bridge/calls.ts";
import { BridgeError, type CallAnswer } from "#bridge/model.ts";

import type { Binding, Tenant } from "../tenant.ts";
import { ABSENT, type KvEntry, type SiteKv } from "./kv-model.ts";
import { type Params, readBody, readCommit, readKeys, readParams } from "./kv-params.ts";
import type { Kv } from "./kv.ts";

type Name = keyof HostCalls & `kv.${string}`;
type Answer<N extends Name> = {
  value: HostCalls[N]["value"];
  bytes?: Uint8Array;
  done?: () => void;
};
/** Reads what may be large: a few at a time, each until its bytes are sent. */
type InTurn = <A extends CallAnswer>(work: () => Promise<A>) => Promise<A>;
type Handlers = {
  [N in Name]: (
    kv: SiteKv,
    params: Params,
    bytes: Uint8Array,
    inTurn: InTurn,
  ) => Answer<N> | Promise<Answer<N>>;
};

/** Large values of one site that lie in memory at a time. */
const LARGE_AT_ONCE = 2;

const HANDLERS: Handlers = {
  "kv.get"(kv, params, _bytes, inTurn) {
    const key = params.text("key");
    const found = kv.getSmall(key);
    return found === "large" ? inTurn(async () => toAnswer(await kv.get(key))) : toAnswer(found);
  },
  "kv.getMany"(kv, params, _bytes, inTurn) {
    const keys = readKeys(params);
    return inTurn(async () => {
      const found = await kv.getMany(keys);
      return {
        value: {
          entries: found.map(toFound),
          sizes: found.map((one) => one?.value.byteLength ?? -1),
        },
        bytes: Buffer.concat(found.map((one) => one?.value ?? new Uint8Array())),
      };
    });
  },
  async "kv.put"(kv, params, bytes) {
    const versionstamp = await kv.put({
      key: params.text("key"),
      value: bytes,
      expiresAt: params.number("expiresAt"),
      metadata: params.any("metadata"),
    });
    return { value: { versionstamp } };
  },
  async "kv.delete"(kv, params) {
    await kv.delete(params.text("key"));
    return { value: null };
  },
  "kv.list"(kv, params) {
    const { items, cursor } = kv.list({
      prefix: params.textIfAny("prefix"),
      limit: params.number("limit"),
      cursor: params.textIfAny("cursor"),
    });
    const keys = items.map(({ name, expiresAt, metadata }) => ({ name, expiresAt, metadata }));
    return { value: { keys, complete: cursor === null, cursor } };
  },
  async "kv.add"(kv, params) {
    return { value: await kv.add(params.text("key"), params.number("by") ?? Number.NaN) };
  },
  async "kv.commit"(kv, params, bytes) {
    const { checks, changes } = readCommit(params, bytes);
    return { value: await kv.commit(checks, changes) };
  },
};

/** The key-value store as programs have it. A program reaches its own site's keys alone: whose they are is not part of a call. */
export function kvBinding(kv: Kv): Binding {
  const turns = createTurns(LARGE_AT_ONCE);
  const names = Object.keys(HANDLERS).filter((name): name is Name => name in HANDLERS);
  return {
    calls: Object.fromEntries(
      names.map((name) => [
        name,
        (tenant: Tenant, params: unknown, bytes: Uint8Array) =>
          tell(kv.log, tenant, () =>
            HANDLERS[name](
              kv.of(tenant.siteId),
              readParams(params),
              readBody(name, bytes),
              (work) => holdTurn(turns, tenant, work),
            ),
          ),
      ]),
    ),
  };
}

/** Answers when the values are read, and keeps the turn until they are sent. */
function holdTurn<A extends CallAnswer>(
  turns: Turns,
  { siteId }: Tenant,
  work: () => Promise<A>,
): Promise<A> {
  const { promise, resolve, reject } = Promise.withResolvers<A>();
  turns(String(siteId), async () => {
    const answer = await work();
    const sent = Promise.withResolvers<void>();
    resolve({ ...answer, done: sent.resolve });
    await sent.promise;
  }).catch(reject);
  return promise;
}

/** What a program is told where a call fails: the server's own troubles are for its log. */
function tell(
  log: Log,
  { site }: Tenant,
  work: () => CallAnswer | Promise<CallAnswer>,
): CallAnswer | Promise<CallAnswer> {
  const toError = (error: unknown): BridgeError => {
    if (error instanceof BridgeError) return error;
    if (error instanceof LandError) {
      const { code, message } = error;
      if (code === "kv_invalid" || code === "invalid_input")
        return new BridgeError("kv_invalid", message);
      if (code === "kv_quota") return new BridgeError("kv_quota", message);
      if (code === "site_not_found") return new BridgeError("kv_unavailable", "The site is gone");
    }
    log.error("key-value store failed", { site, cause: error });
    return new BridgeError("kv_unavailable", "Cannot use the key-value store now: try again later");
  };
  try {
    const answer = work();
    if (!(answer instanceof Promise)) return answer;
    return answer.catch((error: unknown) => {
      throw toError(error);
    });
  } catch (error) {
    throw toError(error);
  }
}

function toAnswer(entry: KvEntry | undefined): Answer<"kv.get"> {
  return entry ? { value: toFound(entry), bytes: entry.value } : { value: ABSENT };
}

function toFound(entry: KvEntry | undefined): KvFound {
  if (!entry) return ABSENT;
  const { versionstamp, expiresAt, metadata } = entry;
  return { versionstamp, expiresAt, metadata };
}
