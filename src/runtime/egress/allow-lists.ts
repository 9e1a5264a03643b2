import { eq } from "drizzle-orm";

import type { Ctx } from "#store/ctx.ts";

import { siteFunctions } from "../tables.ts";
import type { Tenant } from "../tenant.ts";

/** The allow list of a site, as `parseAllow` made it; null: every public host may be asked. */
export type AllowLists = {
  of: (tenant: Tenant) => Promise<readonly string[] | null>;
  stop: () => void;
};

const MAX_KNOWN = 10_000;

/** Reads allow lists once, and again after a change. */
export function createAllowLists(ctx: Ctx): AllowLists {
  // By id: a site may be made anew under the name of one that is gone.
  const known = new Map<number, { site: string; list: Promise<readonly string[] | null> }>();
  const forget = ({ site }: { site: string }): void => {
    for (const [siteId, one] of known) if (one.site === site) known.delete(siteId);
  };
  const offs = [ctx.hooks.on("site.functions", forget), ctx.hooks.on("site.deleted", forget)];
  return {
    of({ site, siteId }) {
      const before = known.get(siteId);
      if (before) return before.list;
      const reading = { site, list: readAllow(ctx, siteId) };
      if (known.size >= MAX_KNOWN) known.clear();
      known.set(siteId, reading);
      reading.list.catch(() => {
        if (known.get(siteId) === reading) known.delete(siteId);
      });
      return reading.list;
    },
    stop() {
      for (const off of offs) off();
    },
  };
}

/** The allow list of a site as it stands. */
export async function readAllow(
  { db }: Pick<Ctx, "db">,
  siteId: number,
): Promise<readonly string[] | null> {
  const [row] = await db.read
    .select({ allow: siteFunctions.egressAllow })
    .from(siteFunctions)
    .where(eq(siteFunctions.siteId, siteId));
  return row?.allow ?? null;
}
