import { and, eq } from "drizzle-orm";

import { printableLines } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import type { ManifestFile } from "../serving/load-manifest.ts";
import { MAX_RULES_BYTES, readRuleFiles } from "../serving/load-rules.ts";
import { deployFiles } from "../tables.ts";
import type { DeployRow } from "./deploy-rows.ts";

/** Warnings that are kept: a file of 45,000 wrong lines has one for each. */
const MAX_WARNINGS = 100;

/** What is wrong in `_redirects` and `_headers` of a deploy whose blobs are all there, a sentence for each line. */
export async function findWarnings(ctx: Ctx, deploy: Pick<DeployRow, "id">): Promise<string[]> {
  const large: string[] = [];
  const find = async (path: string): Promise<ManifestFile | undefined> => {
    const [row] = await ctx.db.read
      .select()
      .from(deployFiles)
      .where(and(eq(deployFiles.deployId, deploy.id), eq(deployFiles.path, path)));
    if (row && row.sizeBytes > MAX_RULES_BYTES)
      large.push(`${path}: it is larger than ${MAX_RULES_BYTES} bytes, so none of it is obeyed`);
    return row;
  };
  const files = { redirects: await find("_redirects"), headers: await find("_headers") };
  const warnings = [...large, ...(await readRuleFiles(ctx, files)).warnings];
  const shown = warnings.slice(0, MAX_WARNINGS).map((line) => printableLines(line));
  const more = warnings.length - shown.length;
  return more > 0 ? [...shown, `and ${more} more`] : shown;
}
