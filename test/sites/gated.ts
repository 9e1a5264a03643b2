import { parseUserName } from "#base/names.ts";
import { requireSite, type SiteRow } from "#sites/rights.ts";
import type { TestCtx } from "#test/support/ctx.ts";

/** The row of a site, as the server of sites reads it. */
export async function gated(ctx: TestCtx, name: string): Promise<SiteRow> {
  const admin = {
    userId: 0,
    name: parseUserName("root"),
    isAdmin: true,
    via: { kind: "session" as const, hash: "" },
  };
  const need = { action: "look at", role: "viewer", scope: "any" } as const;
  const { site } = await requireSite(ctx, admin, name, need);
  return site;
}

/** The `name=value` of the one cookie that an answer sets. */
export function cookieOf(answer: Response | undefined): string {
  const [cookie, ...more] = answer?.headers.getSetCookie() ?? [];
  if (cookie === undefined || more.length > 0) throw new Error("not one cookie");
  return cookie.split(";", 1)[0] ?? "";
}
