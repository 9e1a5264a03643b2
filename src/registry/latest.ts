import { and, eq, sql } from "drizzle-orm";

import { parseTag, type Version } from "#base/names.ts";
import { compareVersions, isRange } from "#base/ranges.ts";
import type { Tx } from "#store/db.ts";

import type { Metadata } from "./metadata.ts";
import { replaceSearchRows } from "./search-rows.ts";
import { dependencies, packages, tags, versions } from "./tables.ts";

/** The tag that is always there. */
export const LATEST = parseTag("latest", isRange);

/** Notes that what is served about a package changed. Every verb that changes something calls it, in its transaction. */
export async function noteChange(tx: Tx, packageId: number, now: Date): Promise<void> {
  await tx
    .update(packages)
    .set({ revision: sql`${packages.revision} + 1`, updatedAt: now })
    .where(eq(packages.id, packageId));
}

/**
 * Points `latest` where the rule says: the version an owner set by hand; else the highest stable one that is not yanked;
 * else the highest pre-release that is not yanked; else nowhere. What lists, searches and dependents tell follows it.
 */
export async function moveLatest(tx: Tx, packageId: number): Promise<void> {
  const latest = await chooseLatest(tx, packageId);
  const [before] = await tx
    .select({
      latest: packages.latest,
      description: packages.description,
      keywords: packages.keywords,
    })
    .from(packages)
    .where(eq(packages.id, packageId));
  if (before?.latest === latest) return;
  await tx.update(packages).set({ latest }).where(eq(packages.id, packageId));
  await tx.delete(dependencies).where(eq(dependencies.packageId, packageId));
  if (latest !== null) await describeBy(tx, packageId, latest, before);
}

type Described = { latest: Version | null; description: string; keywords: readonly string[] };

async function chooseLatest(tx: Tx, packageId: number): Promise<Version | null> {
  const [byHand] = await tx
    .select({ version: tags.version })
    .from(tags)
    .where(and(eq(tags.packageId, packageId), eq(tags.tag, LATEST)));
  if (byHand) return byHand.version;
  const rows = await tx
    .select({ version: versions.version, yankedAt: versions.yankedAt })
    .from(versions)
    .where(eq(versions.packageId, packageId));
  const left = rows.filter((row) => row.yankedAt === null).map((row) => row.version);
  return highest(left.filter((version) => !version.includes("-"))) ?? highest(left) ?? null;
}

function highest(candidates: readonly Version[]): Version | undefined {
  return candidates.reduce<Version | undefined>(
    (best, version) => (best === undefined || compareVersions(version, best) > 0 ? version : best),
    undefined,
  );
}

async function describeBy(
  tx: Tx,
  packageId: number,
  version: Version,
  before: Described | undefined,
): Promise<void> {
  const [row] = await tx
    .select({ name: packages.name, metadata: versions.metadata })
    .from(versions)
    .innerJoin(packages, eq(packages.id, versions.packageId))
    .where(and(eq(versions.packageId, packageId), eq(versions.version, version)));
  if (!row) return;
  const { description, keywords } = row.metadata;
  const required = requirementsOf(packageId, row.metadata);
  for (let at = 0; at < required.length; at += 500)
    await tx.insert(dependencies).values(required.slice(at, at + 500));
  // The dearest part of a publish, and most versions are found by the same words as the one before.
  const same =
    before?.description === description && before.keywords.join("\n") === keywords.join("\n");
  if (same && before.latest !== null) return;
  await tx.update(packages).set({ description, keywords }).where(eq(packages.id, packageId));
  await replaceSearchRows(tx, packageId, { name: row.name, description, keywords });
}

function requirementsOf(packageId: number, metadata: Metadata) {
  const kinds = [
    ["normal", metadata.dependencies],
    ["optional", metadata.optionalDependencies],
    ["peer", metadata.peerDependencies],
  ] as const;
  return kinds.flatMap(([kind, ranges]) =>
    Object.entries(ranges).map(([name, range]) => ({ packageId, name, range, kind })),
  );
}
