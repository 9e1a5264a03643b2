import { runInSlices } from "#base/slices.ts";
import { createTurns } from "#base/turns.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Db } from "#store/db.ts";

import { type ReadRules, readSiteRules, type SiteRules, sliceSiteRules } from "../rules/resolve.ts";
import { createLoads, type Loads } from "./cache-loads.ts";
import { findFile, type Manifest, type ManifestFile } from "./load-manifest.ts";

/** The rules of a deploy, and what they take in memory, about. */
export type LoadedRules = { readonly rules: SiteRules; readonly weightBytes: number };

/** The files of a deploy that hold its rules. */
export type RuleFiles = {
  redirects: ManifestFile | undefined;
  headers: ManifestFile | undefined;
};

/** Larger `_redirects` and `_headers` are not read: 45,000 rules take 3 MB. */
export const MAX_RULES_BYTES = 5_000_000;

/** Of rules that are kept, whichever sites have them: two of the largest at least. */
const MAX_KEPT_BYTES = 48 * 1024 * 1024;
/** What keeping rules takes besides them. */
const KEPT_BYTES = 1000;
/** Texts up to this do not wait for others. */
const SHORT_BYTES = 32 * 1024;

const NONE: ReadRules = readSiteRules({});
const kept = new WeakMap<Db, Loads<ReadRules>>();
/** Long texts of the whole process: each takes part of every moment while it is read. */
const inTurn = createTurns(1);

/** Reads the rules that lie in a deploy. Rejects where their bytes are gone. */
export async function loadRules(ctx: Ctx, manifest: Manifest): Promise<LoadedRules> {
  return readRuleFiles(ctx, {
    redirects: await findFile(manifest, "_redirects"),
    headers: await findFile(manifest, "_headers"),
  });
}

/**
 * Reads rules once for all deploys that have the same, and never for long without a turn of others. Files past `MAX_RULES_BYTES`
 * count as none. Rejects where their bytes are gone.
 */
export async function readRuleFiles(ctx: Ctx, files: RuleFiles): Promise<ReadRules> {
  const [redirects, headers] = [readable(files.redirects), readable(files.headers)];
  if (!redirects && !headers) return NONE;
  const key = `${redirects?.digest ?? ""} ${headers?.digest ?? ""}`;
  const found = await keptOf(ctx).find(key, key, () => read(ctx, { redirects, headers }));
  return found ?? NONE;
}

function keptOf({ db, now }: Ctx): Loads<ReadRules> {
  const known = kept.get(db);
  if (known) return known;
  const made = createLoads<ReadRules>(now, {
    maxWeight: MAX_KEPT_BYTES,
    weightOf: ({ weightBytes }) => KEPT_BYTES + weightBytes,
    maxUnknown: 0,
    unknownMs: 0,
  });
  kept.set(db, made);
  return made;
}

function readable(file: ManifestFile | undefined): ManifestFile | undefined {
  return file && file.sizeBytes <= MAX_RULES_BYTES ? file : undefined;
}

async function read(ctx: Ctx, { redirects, headers }: RuleFiles): Promise<ReadRules> {
  const slice = async (): Promise<ReadRules> =>
    runInSlices(
      sliceSiteRules({
        redirects: await readText(ctx, redirects),
        headers: await readText(ctx, headers),
      }),
    );
  const sizeBytes = (redirects?.sizeBytes ?? 0) + (headers?.sizeBytes ?? 0);
  return sizeBytes <= SHORT_BYTES ? slice() : inTurn("", slice);
}

async function readText(ctx: Ctx, file: ManifestFile | undefined): Promise<string | undefined> {
  if (!file) return undefined;
  const blob = await ctx.blobs.find(file.digest);
  if (!blob) throw new Error(`the bytes of ${file.digest} are not on disk`);
  return blob.text();
}
