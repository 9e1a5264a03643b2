import type { KvMutation } from "#bridge/calls.ts";

import { natives, propertyOf } from "../natives.ts";
import { bytesOfValue, checkKey, readPutOptions } from "./check.ts";
import type { AskKv } from "./store.ts";

/** Changes that happen all or not at all, and only if every key checked still has the versionstamp it had. */
type Atomic = {
  check: (...checks: unknown[]) => Atomic;
  set: (key: unknown, value: unknown, options?: unknown) => Atomic;
  delete: (key: unknown) => Atomic;
  sum: (key: unknown, by: unknown) => Atomic;
  max: (key: unknown, by: unknown) => Atomic;
  min: (key: unknown, by: unknown) => Atomic;
  commit: () => Promise<unknown>;
};

/** One commit, made up step by step: `KV.atomic().check({ key, versionstamp }).set(key, value).commit()`. */
export function createAtomic(ask: AskKv): object {
  const checks: { key: string; versionstamp: string | null }[] = [];
  const mutations: KvMutation[] = [];
  const values: Uint8Array[] = [];
  let committed = false;

  const change =
    (type: "sum" | "max" | "min") =>
    (key: unknown, by: unknown): Atomic => {
      const number = Number(by);
      if (!Number.isFinite(number)) throw new TypeError(`KV ${type}() takes a finite number.`);
      mutations.push({ type, key: checkKey("COMMIT", key), by: number });
      return atomic;
    };
  const atomic: Atomic = {
    check(...added) {
      for (const each of added) {
        const versionstamp = propertyOf(each, "versionstamp") ?? null;
        if (versionstamp !== null && typeof versionstamp !== "string")
          throw new TypeError("KV check() takes { key, versionstamp }, a text or null.");
        checks.push({ key: checkKey("COMMIT", propertyOf(each, "key")), versionstamp });
      }
      return atomic;
    },
    set(key, value, options) {
      const bytes = bytesOfValue(value);
      if (!bytes) throw new TypeError("KV set() takes no stream: read it first.");
      // What is set now is what is written, however the buffer changes until the commit.
      const kept = new Uint8Array(bytes);
      const name = checkKey("COMMIT", key);
      const about = readPutOptions(options, natives.now());
      mutations.push({ type: "set", key: name, sizeBytes: kept.length, ...about });
      values.push(kept);
      return atomic;
    },
    delete(key) {
      mutations.push({ type: "delete", key: checkKey("COMMIT", key) });
      return atomic;
    },
    sum: change("sum"),
    max: change("max"),
    min: change("min"),
    async commit() {
      if (committed) throw new TypeError("This KV commit was made before: begin another.");
      committed = true;
      const { value } = await ask("kv.commit", { checks, mutations }, Buffer.concat(values));
      return value;
    },
  };
  return atomic;
}
