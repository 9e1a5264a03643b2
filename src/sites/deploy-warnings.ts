import { and, eq } from "drizzle-orm";

import { printableLines } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import type { DeployRow } from "./deploy-rows.ts";
import { MAX_RULES_BYTES } from "./load-rules.ts";
import { readSiteRules } from "./resolve.ts";
import { deployFiles } from "./tables.ts";

/** Warnings that are kept: a file of 45,000 wrong lines has one for each. */
const MAX_WARNINGS = 100;

/** What is wrong in `_redirects` and `_headers` of a deploy whose blobs are all there, a sentence for each line. */
export async function findWarnings(ctx: Ctx, deploy: Pick<DeployRow, "id">): Promise<string[]> {
  const large: string[] = [];
  const read = async (path: string): Promise<string | undefined> => {
    const [row] = await ctx.db.read
      .select()
      .from(deployFiles)
      .where(and(eq(deployFiles.deployId, deploy.id), eq(deployFiles.path, path)));
    if (row === undefined) return undefined;
    if (row.sizeBytes > MAX_RULES_BYTES) {
      large.push(`${path}: it is larger than ${MAX_RULES_BYTES} bytes, so none of it is obeyed`);
      return undefined;
    }
    return (await ctx.blobs.find(row.digest))?.text();
  };
  const redirects = await read("_redirects");
  const headers = await read("_headers");
  const warnings = [...large, ...readSiteRules({ redirects, headers }).warnings];
  const shown = warnings.slice(0, MAX_WARNINGS).map((line) => printableLines(line));
  const more = warnings.length - shown.length;
  return more > 0 ? [...shown, `and ${more} more`] : shown;
}
