import { and, asc, eq, getTableColumns, ne, sql } from "drizzle-orm";

import { nameUsers } from "#accounts/users.ts";
import type { Digest, PackageName, Version as VersionName } from "#base/names.ts";
import { compareVersions } from "#base/ranges.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Db, Tx } from "#store/db.ts";

import { type Cache, createCache } from "./cache.ts";
import { LATEST } from "./latest.ts";
import type { Metadata } from "./metadata.ts";
import type { Package, Version } from "./model.ts";
import { packageOwners, packages, tags, versions } from "./tables.ts";

/** A version as the API tells it, its name, number and address known to be checked. */
export type ServedVersion = Version & { name: PackageName; version: VersionName; digest: Digest };

/** All that is served about a package, at one revision. Shared between requests: never change it. */
export type Documents = {
  id: number;
  name: PackageName;
  revision: number;
  about: Omit<Package, "downloads">;
  /** By version. */
  versions: ReadonlyMap<string, ServedVersion>;
  /** In the order of their publishing. */
  oldestFirst: readonly ServedVersion[];
  /** Bodies made from these, kept as long as they are. */
  bodies: Map<string, Body>;
};

/** The bytes of an answer, ready to be sent. */
export type Body = { bytes: Uint8Array<ArrayBuffer>; etag: string };

const BUDGET_BYTES = 64 * 1024 * 1024;
/** A version as rows, objects and bodies, against its row alone. */
const OVERHEAD = 6;
/** What a row holds beside its metadata. */
const ROW_BYTES = 600;

type Store = {
  cache: Cache<number, Documents>;
  findHead: (
    name: string,
  ) => Promise<{ id: number; revision: number; downloads: number } | undefined>;
};
const stores = new WeakMap<Db, Store>();

/**
 * What is served about a package, and its downloads up to now; undefined where there is none of that name. One short query
 * tells whether what is cached still holds.
 */
export async function findDocuments(
  ctx: Ctx,
  name: string,
): Promise<{ documents: Documents; downloads: number } | undefined> {
  const { cache, findHead } = storeOf(ctx.db);
  const head = await findHead(name);
  if (!head) return undefined;
  const { id, revision, downloads } = head;
  const cached = cache.get(id);
  if (cached?.revision === revision) return { documents: cached, downloads };
  const { documents, sizeBytes } = await load(ctx, id, revision);
  cache.set(id, documents, sizeBytes);
  return { documents, downloads };
}

/** The body made by `write`, which runs once per revision and `key`. */
export function bodyOf(documents: Documents, key: string, write: () => string): Body {
  const known = documents.bodies.get(key);
  if (known) return known;
  const bytes = new TextEncoder().encode(write());
  const body = { bytes, etag: etagOf(bytes) };
  documents.bodies.set(key, body);
  return body;
}

/** A strong ETag from the bytes alone: a revision would be the same again after the data folder was begun anew. */
export function etagOf(bytes: Uint8Array | string): string {
  const hash = new Bun.CryptoHasher("sha256").update(bytes).digest("base64url");
  return `"${hash.slice(0, 27)}"`;
}

function storeOf(db: Db): Store {
  const before = stores.get(db);
  if (before) return before;
  const head = db.read
    .select({ id: packages.id, revision: packages.revision, downloads: packages.downloads })
    .from(packages)
    .where(eq(packages.name, sql.placeholder("name")))
    .prepare();
  const store: Store = {
    cache: createCache(BUDGET_BYTES),
    findHead: async (name) => (await head.execute({ name }))[0],
  };
  stores.set(db, store);
  return store;
}

/** The head was read before, so this is at least as new as `revision`; the next request sees if it is newer. */
async function load(
  ctx: Ctx,
  id: number,
  revision: number,
): Promise<{ documents: Documents; sizeBytes: number }> {
  const { read } = ctx.db;
  const [row] = await read.select().from(packages).where(eq(packages.id, id));
  if (!row) throw new Error(`package ${id} is gone`);
  const found = await findVersions(ctx, id, row.name);
  const served = found.map(({ version }) => version);
  const newestFirst = served.toSorted((a, b) => compareVersions(b.version, a.version));
  const shown = newestFirst.find(({ version }) => version === row.latest) ?? newestFirst[0];
  const metadata = found.find(({ version }) => version === shown)?.metadata;
  const documents: Documents = {
    id,
    revision,
    name: row.name,
    about: {
      name: row.name,
      description: row.description,
      keywords: row.keywords,
      license: metadata?.license ?? null,
      repository: metadata?.repository ?? null,
      homepage: metadata?.homepage ?? null,
      tags: await findTags(read, id, row.latest),
      owners: await findOwners(ctx, id),
      versions: newestFirst,
      createdAt: row.createdAt.toISOString(),
      updatedAt: row.updatedAt.toISOString(),
    },
    versions: new Map(served.map((version) => [version.version, version])),
    oldestFirst: served,
    bodies: new Map(),
  };
  const rowBytes = found.reduce((sum, { sizeBytes }) => sum + sizeBytes + ROW_BYTES, 0);
  return { documents, sizeBytes: ROW_BYTES + rowBytes * OVERHEAD };
}

type Found = { version: ServedVersion; metadata: Metadata; sizeBytes: number };

async function findVersions(ctx: Ctx, packageId: number, name: PackageName): Promise<Found[]> {
  const { manifest: _manifest, readme: _readme, ...columns } = getTableColumns(versions);
  const rows = await ctx.db.read
    .select({ ...columns, metadataBytes: sql<number>`length(${versions.metadata})` })
    .from(versions)
    .where(eq(versions.packageId, packageId))
    .orderBy(asc(versions.id));
  const names = await nameUsers(
    ctx,
    rows.flatMap(({ publishedBy }) => publishedBy ?? []),
  );
  return rows.map((row) => {
    const { metadata } = row;
    const version: ServedVersion = {
      name,
      version: row.version,
      description: metadata.description,
      license: metadata.license,
      digest: row.digest,
      integrity: row.integrity,
      blake3: row.blake3,
      sizeBytes: row.sizeBytes,
      unpackedBytes: row.unpackedBytes,
      dependencies: metadata.dependencies,
      optionalDependencies: metadata.optionalDependencies,
      peerDependencies: metadata.peerDependencies,
      engines: metadata.engines,
      bin: metadata.bin,
      key: row.signingKey,
      sig: row.signature,
      yanked: row.yankedAt !== null,
      deprecated: row.deprecated,
      publishedAt: row.publishedAt.toISOString(),
      publishedBy: names.get(row.publishedBy ?? 0) ?? null,
    };
    return { version, metadata, sizeBytes: row.metadataBytes };
  });
}

async function findTags(
  read: Tx,
  packageId: number,
  latest: VersionName | null,
): Promise<Record<string, string>> {
  const rows = await read
    .select({ tag: tags.tag, version: tags.version })
    .from(tags)
    .where(and(eq(tags.packageId, packageId), ne(tags.tag, LATEST)))
    .orderBy(asc(tags.tag));
  const others = rows.map(({ tag, version }) => [tag, version] as const);
  return Object.fromEntries(latest === null ? others : [[LATEST, latest], ...others]);
}

async function findOwners(ctx: Ctx, packageId: number): Promise<string[]> {
  const rows = await ctx.db.read
    .select({ userId: packageOwners.userId })
    .from(packageOwners)
    .where(eq(packageOwners.packageId, packageId))
    .orderBy(asc(packageOwners.addedAt), asc(packageOwners.userId));
  const ids = rows.map(({ userId }) => userId);
  const names = await nameUsers(ctx, ids);
  return ids.flatMap((id) => names.get(id) ?? []);
}
