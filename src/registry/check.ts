import { asc, eq, gt, sql } from "drizzle-orm";

import { canonicalName } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import { packages, packageTrigrams, packageWords, versions } from "./tables.ts";

/** One thing that is not as it must be. */
export type DataProblem = { what: string; problem: string };

const BATCH = 500;

/**
 * Reads every archive and every package and tells what is broken: bytes that are missing or not those recorded, names that
 * clash, packages that a search cannot find. Empty where all is well. Takes as long as reading all blobs.
 */
export async function checkData(ctx: Ctx): Promise<DataProblem[]> {
  return [...(await checkPackages(ctx)), ...(await checkVersions(ctx))];
}

async function checkVersions(ctx: Ctx): Promise<DataProblem[]> {
  const problems: DataProblem[] = [];
  let last = 0;
  for (;;) {
    const rows = await ctx.db.read
      .select({
        id: versions.id,
        name: packages.name,
        version: versions.version,
        digest: versions.digest,
        sizeBytes: versions.sizeBytes,
      })
      .from(versions)
      .leftJoin(packages, eq(packages.id, versions.packageId))
      .where(gt(versions.id, last))
      .orderBy(asc(versions.id))
      .limit(BATCH);
    for (const row of rows) {
      const problem = row.name === null ? "it has no package" : await checkBlob(ctx, row);
      if (problem !== undefined) problems.push({ what: `${row.name}@${row.version}`, problem });
      last = row.id;
    }
    if (rows.length < BATCH) return problems;
  }
}

async function checkBlob(
  ctx: Ctx,
  { digest, sizeBytes }: Pick<typeof versions.$inferSelect, "digest" | "sizeBytes">,
): Promise<string | undefined> {
  const file = await ctx.blobs.find(digest);
  if (!file) return `its archive ${digest} is not on disk`;
  if (file.size !== sizeBytes) return `its archive has ${file.size} bytes, not ${sizeBytes}`;
  const hasher = new Bun.CryptoHasher("sha256");
  for await (const chunk of file.stream()) hasher.update(chunk);
  const actual = `sha256:${hasher.digest("hex")}`;
  return actual === digest ? undefined : `its archive is ${actual}, not ${digest}`;
}

async function checkPackages(ctx: Ctx): Promise<DataProblem[]> {
  const rows = await ctx.db.read
    .select({
      name: packages.name,
      canonical: packages.canonical,
      latest: packages.latest,
      latestId: versions.id,
      words: packageWords.id,
      trigrams: packageTrigrams.id,
    })
    .from(packages)
    .leftJoin(
      versions,
      sql`${versions.packageId} = ${packages.id} AND ${versions.version} = ${packages.latest}`,
    )
    .leftJoin(packageWords, eq(packageWords.id, packages.id))
    .leftJoin(packageTrigrams, eq(packageTrigrams.id, packages.id))
    .orderBy(asc(packages.id));
  const seen = new Map<string, string>();
  return rows.flatMap((row) => {
    const twin = seen.get(canonicalName(row.name));
    seen.set(canonicalName(row.name), row.name);
    const problems = [
      twin !== undefined && `its name is the same as "${twin}"`,
      row.canonical !== canonicalName(row.name) && "its canonical name is wrong",
      row.latest !== null &&
        row.latestId === null &&
        `its latest version ${row.latest} is not there`,
      (row.words === null || row.trigrams === null) && "a search cannot find it",
    ];
    return problems.flatMap((problem) => (problem === false ? [] : { what: row.name, problem }));
  });
}
