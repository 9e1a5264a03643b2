import { randomBytes } from "node:crypto";

import type { Actor } from "#accounts/actor.ts";
import { createAccount } from "#accounts/register.ts";
import { boot } from "#server/boot.ts";
import { createDeploy } from "#sites/deploys/deploy-create.ts";
import { finalizeDeploy } from "#sites/deploys/deploy-finalize.ts";
import { recordUploads } from "#sites/deploys/upload-record.ts";
import { senderOf } from "#sites/rights.ts";
import { startVariantMaker } from "#sites/serving/variants-maker.ts";
import { createSite } from "#sites/site/sites-create.ts";
import type { Ctx } from "#store/ctx.ts";

/** A site that the benchmark serves: texts by path. */
export type SiteFiles = { name: string; files: Readonly<Record<string, string>> };

/** Sites of one transaction: one sync of the disk for all of them. */
const BATCH = 250;

/**
 * Fills a data folder that no server has open, by the verbs that a server would call: what lies in it afterwards is what lies in
 * the folder of a server to which all of this was sent. Ten thousand sites of ten files take some minutes, most of them for the codings of 10,000 different pages.
 */
export async function prepareSites(data: string, sites: readonly SiteFiles[]): Promise<void> {
  const booted = await boot({
    data,
    flags: { rateLimit: "off", "sites.perAccount": String(sites.length + 10) },
    env: {},
    now: () => new Date(),
    random: (bytes) => new Uint8Array(randomBytes(bytes)),
    writeLog: () => undefined,
  });
  try {
    const { ctx } = booted;
    const { id, name } = await createAccount(ctx, {
      username: "bench",
      email: "bench@example.com",
      password: "correct horse battery",
    });
    const actor: Actor = { userId: id, name, isAdmin: true, via: { kind: "session", hash: "" } };
    for (let at = 0; at < sites.length; at += BATCH)
      await prepareBatch(ctx, actor, sites.slice(at, at + BATCH));
    // So that none are made while others are measured.
    const maker = startVariantMaker(ctx, () => undefined);
    await maker.settled();
    await maker.stop();
  } finally {
    await booted.close();
  }
}

async function prepareBatch(ctx: Ctx, actor: Actor, sites: readonly SiteFiles[]): Promise<void> {
  const texts = [...new Set(sites.flatMap(({ files }) => Object.values(files)))];
  const contents = texts.map((text) => new TextEncoder().encode(text));
  const digests = await ctx.blobs.putMany(contents);
  const known = new Map(
    texts.map((text, at) => [
      text,
      { digest: digests[at] ?? "", sizeBytes: contents[at]?.length ?? 0 },
    ]),
  );
  await recordUploads(
    ctx,
    senderOf(actor),
    digests.map((digest, at) => ({ digest, sizeBytes: contents[at]?.length ?? 0 })),
  );
  await ctx.db.transaction(async () => {
    for (const { name, files } of sites) {
      await createSite(ctx, actor, { name });
      const list = Object.entries(files).map(([path, text]) => {
        const { digest = "", sizeBytes = 0 } = known.get(text) ?? {};
        return [path, { sha256: digest.slice("sha256:".length), size: sizeBytes }] as const;
      });
      const { id } = await createDeploy(ctx, actor, name, { files: Object.fromEntries(list) });
      await finalizeDeploy(ctx, actor, name, id);
    }
  });
}
