import { asc, eq } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { mayRead } from "#accounts/guard.ts";
import { fail } from "#base/errors.ts";
import { type Digest, parseDigest } from "#base/names.ts";
import type { Offer } from "#http/file.ts";
import type { Ctx } from "#store/ctx.ts";

import { readVersion } from "./read.ts";
import { packages, versions } from "./tables.ts";

/** An archive ready to be sent, and the version it is of. */
export type Archive = { name: string; version: string; offer: Omit<Offer, "cacheControl"> };

type Stored = { name: string; version: string; digest: Digest; sizeBytes: number };

/**
 * The archive of the version that `spec` means, yanked ones too.
 *
 * @throws package_not_found, version_not_found
 */
export async function openArchive(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  spec: string,
): Promise<Archive> {
  return open(ctx, await readVersion(ctx, actor, name, spec));
}

/**
 * The archive with an address, where a package that the caller may read has it.
 *
 * @throws not_found
 */
export async function openBlob(
  ctx: Ctx,
  actor: Actor | undefined,
  digest: string,
): Promise<Archive> {
  const stored = mayRead(ctx, actor) ? await findStored(ctx, digest) : undefined;
  if (!stored) throw fail("not_found", { what: "this archive" });
  return open(ctx, stored);
}

async function findStored(ctx: Ctx, digest: string): Promise<Stored | undefined> {
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) return undefined;
  const [stored] = await ctx.db.read
    .select({
      name: packages.name,
      version: versions.version,
      digest: versions.digest,
      sizeBytes: versions.sizeBytes,
    })
    .from(versions)
    .innerJoin(packages, eq(packages.id, versions.packageId))
    .where(eq(versions.digest, parseDigest(digest)))
    .orderBy(asc(versions.id))
    .limit(1);
  return stored;
}

async function open(ctx: Ctx, stored: Stored): Promise<Archive> {
  const { name, version, digest, sizeBytes } = stored;
  const file = await ctx.blobs.find(digest);
  if (!file) throw new Error(`the archive ${digest} of ${name}@${version} is not on disk`);
  return {
    name,
    version,
    offer: {
      file,
      sizeBytes,
      etag: `"${digest}"`,
      type: "application/gzip",
      filename: `${name.replace("@", "").replace("/", "-")}-${version}.tgz`,
    },
  };
}
