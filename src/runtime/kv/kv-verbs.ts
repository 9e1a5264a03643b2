import type { Actor } from "#accounts/actor.ts";
import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { readBody } from "#sites/deploys/upload-body.ts";
import { type Need, requireSite } from "#sites/rights.ts";
import type { Ctx } from "#store/ctx.ts";

import type { KvKeyInfo, KvPage } from "../model.ts";
import { packMetadata, parseKey } from "./kv-check.ts";
import type { KvEntry } from "./kv-model.ts";
import type { Kv } from "./kv.ts";

/** Which key of which site. */
export type KvTarget = { site: string; key: string };
/** What to write beside the value. `ttlSeconds`: for how long it stays. */
export type KvPutAbout = {
  ttlSeconds?: number | undefined;
  metadata?: unknown;
  /** What the key must be now: a versionstamp, null for not there; undefined: anything. */
  versionstamp?: string | null | undefined;
};

/** Values may be private: who only looks at a site does not see them. */
const READ: Need = { action: "read the key-value store of", role: "developer", scope: "site" };
const WRITE: Need = { action: "write the key-value store of", role: "developer", scope: "site" };

/**
 * A part of the keys of a site, and what all of them take.
 *
 * @throws unauthenticated, scope_missing, site_not_found, site_role, invalid_input
 */
export async function listKv(
  ctx: Ctx,
  kv: Kv,
  actor: Actor | undefined,
  name: string,
  about: { prefix: string; limit: number; cursor: string | undefined },
): Promise<KvPage> {
  const { site } = await requireSite(ctx, actor, name, READ);
  const store = kv.of(site.id);
  const { items, cursor } = store.list(about);
  return {
    items: items.map(({ name: key, sizeBytes, expiresAt, metadata, versionstamp }) => ({
      key,
      sizeBytes,
      expiresAt: toTime(expiresAt),
      metadata,
      versionstamp,
    })),
    next: cursor,
    usedBytes: store.usedBytes(),
    quotaBytes: store.quotaBytes(),
  };
}

/** One key with its value. @throws unauthenticated, scope_missing, site_not_found, site_role, kv_invalid, kv_not_found */
export async function readKv(
  ctx: Ctx,
  kv: Kv,
  actor: Actor | undefined,
  { site: name, key }: KvTarget,
): Promise<KvEntry> {
  const { site } = await requireSite(ctx, actor, name, READ);
  const entry = await kv.of(site.id).get(key);
  if (!entry) throw fail("kv_not_found", { site: name, key: printable(key) });
  return entry;
}

/**
 * Writes a key; what it had of time and metadata is replaced.
 *
 * @throws unauthenticated, scope_missing, site_not_found, site_role, kv_invalid, kv_quota, kv_changed
 */
export async function putKv(
  ctx: Ctx,
  kv: Kv,
  actor: Actor | undefined,
  { site: name, key }: KvTarget,
  value: Uint8Array,
  { ttlSeconds, metadata, versionstamp }: KvPutAbout,
): Promise<KvKeyInfo> {
  const { site } = await requireSite(ctx, actor, name, WRITE);
  const store = kv.of(site.id);
  const expiresAt = ttlSeconds === undefined ? undefined : ctx.now().getTime() + ttlSeconds * 1000;
  const set = { key, value, expiresAt, metadata };
  const stamp =
    versionstamp === undefined ? await store.put(set) : await store.putIf(set, versionstamp);
  if (stamp === undefined) throw fail("kv_changed", { site: name, key: printable(key) });
  return {
    key,
    sizeBytes: value.byteLength,
    expiresAt: toTime(expiresAt ?? null),
    metadata: metadata ?? null,
    versionstamp: stamp,
  };
}

/**
 * The same with the value of a request, of which no byte is read before the rights are known.
 *
 * @throws payload_too_large, too_slow, bad_request, and what `putKv` throws
 */
export async function takeKv(
  ctx: Ctx,
  kv: Kv,
  actor: Actor | undefined,
  target: KvTarget,
  request: Request,
  about: KvPutAbout,
): Promise<KvKeyInfo> {
  await requireSite(ctx, actor, target.site, WRITE);
  packMetadata(parseKey(target.key), about.metadata);
  const chunks: Uint8Array[] = [];
  for await (const chunk of readBody(ctx, request, ctx.config["functions.kvValueBytes"]))
    chunks.push(chunk);
  return putKv(ctx, kv, actor, target, Buffer.concat(chunks), about);
}

/** Removes a key. @throws unauthenticated, scope_missing, site_not_found, site_role, kv_invalid, kv_not_found */
export async function deleteKv(
  ctx: Ctx,
  kv: Kv,
  actor: Actor | undefined,
  { site: name, key }: KvTarget,
): Promise<void> {
  const { site } = await requireSite(ctx, actor, name, WRITE);
  if (!(await kv.of(site.id).delete(key)))
    throw fail("kv_not_found", { site: name, key: printable(key) });
}

function toTime(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
