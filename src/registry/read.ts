import { and, desc, eq } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { mayRead } from "#accounts/guard.ts";
import { findUser } from "#accounts/users.ts";
import { fail, LandError } from "#base/errors.ts";
import { isVersion, type PackageName, parsePackageName, printable } from "#base/names.ts";
import { compareVersions, isRange, parseRange, satisfies } from "#base/ranges.ts";
import type { Ctx } from "#store/ctx.ts";

import { type Documents, findDocuments, type ServedVersion } from "./documents.ts";
import type { Package, PackageSummary } from "./model.ts";
import { packageOwners, packages, versions } from "./tables.ts";

/** A text that is shown about a version, from its archive. */
export type Readme = { path: string; text: string };

/**
 * What is served of a package, for verbs that only need a part of it. A name that nobody may have is not found either.
 *
 * @throws package_not_found, also for whom may not read here
 */
export async function readDocuments(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
): Promise<{ documents: Documents; downloads: number }> {
  const known = findName(name);
  const found = known && mayRead(ctx, actor) ? await findDocuments(ctx, known) : undefined;
  if (!found) throw fail("package_not_found", { name: printable(name) });
  return found;
}

/** A package with its versions, tags, owners and downloads. @throws package_not_found */
export async function readPackage(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
): Promise<Package> {
  const { documents, downloads } = await readDocuments(ctx, actor, name);
  return { ...documents.about, downloads };
}

/**
 * One version. `spec` is a version, also a yanked one, else a tag, else a range, which means the highest version in it that
 * is not yanked.
 *
 * @throws package_not_found, version_not_found
 */
export async function readVersion(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  spec: string,
): Promise<ServedVersion> {
  const { documents } = await readDocuments(ctx, actor, name);
  return pickVersion(documents, spec);
}

/** The version that `spec` means in a package. @throws version_not_found */
export function pickVersion(documents: Documents, spec: string): ServedVersion {
  const { name, about } = documents;
  const tagged = Object.hasOwn(about.tags, spec) ? about.tags[spec] : undefined;
  const found = documents.versions.get(spec) ?? documents.versions.get(tagged ?? "");
  if (found) return found;
  const best = isVersion(spec) ? undefined : highestIn(documents.oldestFirst, spec);
  if (best) return best;
  throw fail("version_not_found", { name, version: printable(spec) });
}

function highestIn(all: readonly ServedVersion[], spec: string): ServedVersion | undefined {
  if (!isRange(spec)) return undefined;
  const range = parseRange(spec);
  let best: ServedVersion | undefined;
  for (const version of all)
    if (!version.yanked && satisfies(version.version, range))
      if (!best || compareVersions(version.version, best.version) > 0) best = version;
  return best;
}

/** The README of a version, cut at 512 KB; undefined where its archive holds none. @throws package_not_found, version_not_found */
export async function readReadme(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  spec: string,
): Promise<Readme | undefined> {
  const { documents } = await readDocuments(ctx, actor, name);
  const { version } = pickVersion(documents, spec);
  const [row] = await ctx.db.read
    .select({ path: versions.readmePath, text: versions.readme })
    .from(versions)
    .where(and(eq(versions.packageId, documents.id), eq(versions.version, version)));
  return row?.path == null || row.text === null ? undefined : { path: row.path, text: row.text };
}

/** The packages that a user owns, last changed first, at most 1000; none where the caller may not read. */
export async function packagesOf(
  ctx: Ctx,
  actor: Actor | undefined,
  user: string,
): Promise<PackageSummary[]> {
  const owner = mayRead(ctx, actor) ? await findUser(ctx, user) : undefined;
  if (!owner) return [];
  const rows = await ctx.db.read
    .select({ about: packages })
    .from(packageOwners)
    .innerJoin(packages, eq(packages.id, packageOwners.packageId))
    .where(eq(packageOwners.userId, owner.id))
    .orderBy(desc(packages.updatedAt), desc(packages.id))
    .limit(1000);
  return rows.map(({ about }) => ({
    name: about.name,
    version: about.latest,
    description: about.description,
    keywords: about.keywords,
    downloads: about.downloads,
    updatedAt: about.updatedAt.toISOString(),
  }));
}

/** The name where it is one that a package may have. */
function findName(name: string): PackageName | undefined {
  try {
    return parsePackageName(name);
  } catch (error) {
    if (error instanceof LandError) return undefined;
    throw error;
  }
}
