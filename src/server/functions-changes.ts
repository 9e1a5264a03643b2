import { readdir } from "node:fs/promises";

import type { Kv } from "#runtime/kv/kv.ts";
import type { Supervisor } from "#runtime/process/supervisor.ts";
import type { Sockets } from "#runtime/sockets/sockets.ts";
import { listDrafts, liveProgramOf } from "#sites/serving/load-program.ts";
import { findSiteId } from "#sites/site/sites-ids.ts";
import { listSiteIds } from "#sites/site/sites-purge.ts";
import type { Ctx } from "#store/ctx.ts";

import { draftsSince } from "./functions-refs.ts";

/** Tells what runs programs of what changed. Answers the way to stop. */
export function followChanges(
  ctx: Ctx,
  supervisor: Supervisor,
  kv: Kv,
  sockets: Sockets,
): () => void {
  const withId =
    (act: (siteId: number) => Promise<void> | void) =>
    async ({ site }: { site: string }): Promise<void> => {
      const siteId = await findSiteId(ctx, site);
      if (siteId !== undefined) await act(siteId);
    };
  const keep = withId(async (siteId) => {
    const live = await liveProgramOf(ctx, siteId);
    const drafts = await listDrafts(ctx, siteId, draftsSince(ctx));
    supervisor.keep(siteId, live ? [live.program.deploy, ...drafts] : drafts);
  });
  const offs = [
    ctx.hooks.on("deploy.released", keep),
    // Whether keys may bring programs may be another now.
    ctx.hooks.on("site.changed", keep),
    ctx.hooks.on("site.env", withId(supervisor.envChanged)),
    ctx.hooks.on("site.functions", withId(supervisor.quotasChanged)),
    ctx.hooks.on("site.gated", ({ id }) =>
      sockets.closeSite(id, 1008, "who may look at the site changed"),
    ),
    ctx.hooks.on("site.deleted", async ({ id }) => {
      await supervisor.forget(id);
      await kv.remove(id);
    }),
  ];
  return () => {
    for (const off of offs) off();
  };
}

/** Removes folders of sites that are gone, which a crash left. */
export async function removeLostFolders(
  ctx: Ctx,
  dir: string,
  supervisor: Supervisor,
): Promise<void> {
  // Where no program ever had a database there is no folder.
  const folders = await readdir(dir).catch(() => []);
  if (folders.length === 0) return;
  const there = await listSiteIds(ctx);
  for (const folder of folders)
    if (/^\d+$/.test(folder) && !there.has(Number(folder))) await supervisor.forget(Number(folder));
}
