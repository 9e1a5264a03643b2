import { eq, inArray } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { mayRead } from "#accounts/guard.ts";
import { type Digest, parseDigest } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import type { ArchivesBody } from "./model.ts";
import { packages, versions } from "./tables.ts";

/** Addresses that are looked up by one query. */
const AT_ONCE = 200;
/** Archives up to this size are sent in one piece, in bytes. */
const WHOLE_BYTES = 256 * 1024;

type Stored = { name: string; version: string; digest: Digest; sizeBytes: number };

/**
 * Many archives in one stream, in the order asked for: for each a line of JSON, `{"digest","size"}` and then so many bytes, or
 * `{"digest","missing":true}` for what the caller may not read or what is not there. Each counts as a download.
 */
export async function* sendArchives(
  ctx: Ctx,
  actor: Actor | undefined,
  { digests }: ArchivesBody,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const isReader = mayRead(ctx, actor);
  for (let at = 0; at < digests.length; at += AT_ONCE) {
    const wanted = digests.slice(at, at + AT_ONCE);
    const stored = isReader ? await findAll(ctx, wanted) : new Map<string, Stored>();
    for (const digest of wanted) yield* sendOne(ctx, digest, stored.get(digest));
  }
}

async function* sendOne(
  ctx: Ctx,
  digest: string,
  stored: Stored | undefined,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const file = stored && (await ctx.blobs.find(stored.digest));
  if (!stored || !file) {
    yield line({ digest, missing: true });
    return;
  }
  const { name, version, sizeBytes } = stored;
  const head = line({ digest, size: sizeBytes });
  ctx.hooks.emit("version.downloaded", { name, version });
  if (sizeBytes <= WHOLE_BYTES) {
    const whole = new Uint8Array(head.byteLength + sizeBytes);
    whole.set(head);
    whole.set(await file.bytes(), head.byteLength);
    yield whole;
    return;
  }
  yield head;
  yield* file.stream();
}

async function findAll(ctx: Ctx, digests: readonly string[]): Promise<Map<string, Stored>> {
  const known = digests.flatMap((digest) =>
    /^sha256:[0-9a-f]{64}$/.test(digest) ? [parseDigest(digest)] : [],
  );
  const rows = await ctx.db.read
    .select({
      name: packages.name,
      version: versions.version,
      digest: versions.digest,
      sizeBytes: versions.sizeBytes,
    })
    .from(versions)
    .innerJoin(packages, eq(packages.id, versions.packageId))
    .where(inArray(versions.digest, known));
  return new Map(rows.map((row) => [row.digest, row]));
}

function line(value: object): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${JSON.stringify(value)}\n`);
}
