import type { Ctx } from "#store/ctx.ts";

import type { Manifest } from "./load-manifest.ts";
import { readSiteRules, type SiteRules } from "./resolve.ts";

/** The rules of a deploy, and what they take in memory, about. */
export type LoadedRules = { readonly rules: SiteRules; readonly weightBytes: number };

/** Larger `_redirects` and `_headers` are not read: 45,000 rules take 3 MB. */
export const MAX_RULES_BYTES = 8 * 1024 * 1024;
/** A compiled rule takes some times its text. */
const BYTES_PER_CHARACTER = 10;

const NONE: LoadedRules = { rules: readSiteRules({}).rules, weightBytes: 0 };

/** Reads the rules that lie in a deploy. Rejects where their bytes are gone. */
export async function loadRules(ctx: Ctx, manifest: Manifest): Promise<LoadedRules> {
  const redirects = await readText(ctx, manifest, "_redirects");
  const headers = await readText(ctx, manifest, "_headers");
  if (redirects === undefined && headers === undefined) return NONE;
  const { rules } = readSiteRules({ redirects, headers });
  const characters = (redirects?.length ?? 0) + (headers?.length ?? 0);
  return { rules, weightBytes: characters * BYTES_PER_CHARACTER };
}

async function readText(ctx: Ctx, manifest: Manifest, path: string): Promise<string | undefined> {
  const file = await manifest.find(path);
  if (!file || file.sizeBytes > MAX_RULES_BYTES) return undefined;
  const blob = await ctx.blobs.find(file.digest);
  if (!blob) throw new Error(`the bytes of ${file.digest} are not on disk`);
  return blob.text();
}
