import { and, eq } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { requireScope } from "#accounts/guard.ts";
import { findKeyOwner } from "#accounts/keys.ts";
import { fail } from "#base/errors.ts";
import {
  canonicalName,
  type PackageName,
  parseTag,
  type Tag,
  type Version as VersionName,
} from "#base/names.ts";
import { isRange } from "#base/ranges.ts";
import { findDifference } from "#pack/agreement.ts";
import type { Inspection } from "#pack/inspect.ts";
import { parseManifest, type PublishableManifest, requirePublishable } from "#pack/manifest.ts";
import { parseSignature, type Signature, verifyVersion } from "#pack/sign.ts";
import type { Staged } from "#store/blobs.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Tx } from "#store/db.ts";

import { inspectStaged } from "./inspection.ts";
import { LATEST, moveLatest, noteChange } from "./latest.ts";
import { type Metadata, metadataOf } from "./metadata.ts";
import type { Version } from "./model.ts";
import { readVersion } from "./read.ts";
import { requireName } from "./rights.ts";
import { packageOwners, packages, versions } from "./tables.ts";
import { setTag } from "./tags.ts";

/** What a publish is made of. */
export type Publication = {
  /** The manifest as sent, plain JSON data: only compared with the archive's, never stored. */
  manifest: unknown;
  /** The archive. It is committed or discarded, whatever happens. */
  staged: Staged;
  /** `{key, sig}` as sent, plain JSON data; undefined: the version is not signed. */
  signature: unknown;
  /** A tag for the version besides what the rule of `latest` does. */
  tag?: string;
};

/**
 * Publishes one version: checks the right, the archive and the signature, puts the bytes, then records them in one
 * transaction. Bytes before row: a crash leaves at worst a blob that the sweep removes. What is stored as metadata is a
 * function of the archive's bytes alone.
 *
 * @throws unauthenticated, scope_missing, not_owner, scope_foreign, name_invalid, name_reserved, name_too_similar,
 * version_exists, manifest_invalid, manifest_mismatch, archive_invalid, archive_too_large, signature_invalid, upload_lost
 */
export async function publish(
  ctx: Ctx,
  actor: Actor,
  { manifest, staged, signature, tag }: Publication,
): Promise<Version> {
  try {
    const sent = parseSent(manifest);
    const { name, version } = sent;
    const signed = signature === undefined ? undefined : parseSignature(signature, sent);
    const wanted = tag === undefined ? LATEST : parseTag(tag, isRange);
    requireScope(actor, `publish "${name}"`, `publish:${name}`);
    await requireFree(ctx.db.read, actor, name, version);
    await requireOwnKey(ctx, actor, sent, signed);
    const inspection = await inspectStaged(ctx, staged);
    await requireTrue(sent, inspection, signed);
    const metadata = metadataOf(inspection);
    await staged.commit();
    await ctx.db.transaction(async (tx) => {
      const packageId = await requireFree(tx, actor, name, version);
      await requireOwnKey(ctx, actor, sent, signed);
      if (!(await ctx.blobs.has(inspection.digest))) throw fail("upload_lost", { name, version });
      const now = ctx.now();
      await record(tx, actor, inspection, { packageId, metadata, signed, tag: wanted, now });
    });
    ctx.hooks.emit("version.published", { name, version, user: actor.name });
    return await readVersion(ctx, actor, name, version);
  } finally {
    await staged.discard();
  }
}

/** npm's ways of writing a field are taken, as they are from the archive. @throws manifest_invalid */
function parseSent(manifest: unknown): PublishableManifest {
  return requirePublishable(parseManifest("package.json", JSON.stringify(manifest) ?? ""));
}

/** Asked before the archive is read, since it is cheap, and again inside the transaction, since it may have changed. */
async function requireFree(
  db: Tx,
  actor: Actor,
  name: PackageName,
  version: VersionName,
): Promise<number | undefined> {
  const packageId = await requireName(db, actor, name);
  if (packageId === undefined) return undefined;
  const [taken] = await db
    .select({ id: versions.id })
    .from(versions)
    .where(and(eq(versions.packageId, packageId), eq(versions.version, version)));
  if (taken) throw fail("version_exists", { name, version });
  return packageId;
}

async function requireOwnKey(
  ctx: Ctx,
  actor: Actor,
  { name, version }: PublishableManifest,
  signed: Signature | undefined,
): Promise<void> {
  if (!signed || (await findKeyOwner(ctx, signed.key)) === actor.userId) return;
  throw fail("signature_invalid", {
    name,
    version,
    problem: "its key does not belong to your account",
  });
}

/** What was sent beside the archive is what the archive tells. @throws manifest_mismatch, signature_invalid */
async function requireTrue(
  sent: PublishableManifest,
  { manifest, digest }: Inspection,
  signed: Signature | undefined,
): Promise<void> {
  const differs = findDifference(sent, manifest);
  if (differs)
    throw fail("manifest_mismatch", {
      field: differs.field,
      sent: differs.one,
      archive: differs.other,
    });
  const { name, version } = sent;
  if (!signed || (await verifyVersion(signed, { name, version, digest }))) return;
  throw fail("signature_invalid", { name, version, problem: "it does not fit the archive" });
}

type Recording = {
  /** undefined: the package is new. */
  packageId: number | undefined;
  metadata: Metadata;
  signed: Signature | undefined;
  tag: Tag;
  now: Date;
};

async function record(
  tx: Tx,
  actor: Actor,
  inspection: Inspection,
  { packageId: known, metadata, signed, tag, now }: Recording,
): Promise<void> {
  const { manifest, readme } = inspection;
  const packageId = known ?? (await beginPackage(tx, actor, manifest.name, now));
  await tx.insert(versions).values({
    packageId,
    version: manifest.version,
    digest: inspection.digest,
    integrity: inspection.integrity,
    blake3: inspection.blake3,
    sizeBytes: inspection.sizeBytes,
    unpackedBytes: inspection.unpackedBytes,
    fileCount: inspection.files.length,
    metadata,
    manifest: JSON.stringify(manifest.raw),
    readme: readme?.text ?? null,
    readmePath: readme?.path ?? null,
    signingKey: signed?.key ?? null,
    signature: signed?.sig ?? null,
    publishedAt: now,
    publishedBy: actor.userId,
  });
  if (tag !== LATEST) await setTag(tx, packageId, tag, manifest.version);
  await moveLatest(tx, packageId);
  await noteChange(tx, packageId, now);
}

async function beginPackage(tx: Tx, actor: Actor, name: PackageName, now: Date): Promise<number> {
  const [row] = await tx
    .insert(packages)
    .values({ name, canonical: canonicalName(name), createdAt: now, updatedAt: now })
    .returning({ id: packages.id });
  if (!row) throw new Error(`no row came back for the new package ${name}`);
  await tx.insert(packageOwners).values({ packageId: row.id, userId: actor.userId, addedAt: now });
  return row.id;
}
