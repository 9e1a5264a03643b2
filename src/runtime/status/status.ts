import type { Actor } from "#accounts/actor.ts";
import { grants, requireAdmin } from "#accounts/guard.ts";
import { requireSite, type SiteAccess } from "#sites/rights.ts";
import type { Ctx } from "#store/ctx.ts";

import type { FunctionsChanges, FunctionsInfo } from "../model.ts";
import type { Runtime } from "../runtime.ts";
import { siteFunctions } from "../tables.ts";

/** What of the runtime tells how functions are. */
export type StatusParts = Pick<
  Runtime,
  | "problem"
  | "startProgram"
  | "programProblem"
  | "sandboxed"
  | "kv"
  | "quotasOf"
  | "processesOf"
  | "databaseBytes"
  | "removeDatabase"
  | "socketCount"
>;

/** How the functions of a site are, and what they may take. @throws unauthenticated, scope_missing, site_not_found */
export async function readFunctions(
  ctx: Ctx,
  runtime: StatusParts,
  actor: Actor | undefined,
  name: string,
): Promise<FunctionsInfo> {
  const need = { action: "look at the functions of", role: "viewer", scope: "any" } as const;
  const access = await requireSite(ctx, actor, name, need);
  const { site } = access;
  const { config } = ctx;
  const quotas = await runtime.quotasOf(site.id);
  const problem = runtime.problem();
  return {
    available: problem === undefined,
    problem: problem ?? null,
    programProblem: wordsFor(access, await runtime.programProblem(site.id)),
    sandboxed: runtime.sandboxed,
    processes: runtime.processesOf(site.id),
    sockets: runtime.socketCount(site.id),
    kvBytes: runtime.kv.usedBytes(site.id),
    databaseBytes: await runtime.databaseBytes(site.id),
    limits: {
      ...quotas,
      cpuMs: config["functions.cpuMs"],
      scriptCpuMs: config["functions.scriptCpuMs"],
      cpuSecondsPerMinute: config["functions.cpuSecondsPerMinute"],
      wallSeconds: config["functions.wallSeconds"],
      concurrency: config["functions.concurrency"],
      subrequests: config["functions.subrequests"],
      sockets: config["functions.sockets"],
    },
  };
}

/** An error may quote a secret: it is told to who may read the log, or bring a program that reads it. */
function wordsFor({ actor: { via }, site }: SiteAccess, problem: string | undefined) {
  if (problem === undefined) return null;
  const has = (kind: string): boolean =>
    via.kind === "session" || via.scopes.some((scope) => grants(scope, `${kind}:${site.name}`));
  const may = has("site") || (site.keyPrograms && has("deploy"));
  return may ? problem : "the log of the site says why";
}

/**
 * Starts the live program of a site where it does not run, and tells how that came out: so that who deploys hears of a program that
 * cannot be loaded before a visitor does.
 *
 * @throws unauthenticated, scope_missing, site_role, site_not_found
 */
export async function startProgram(
  ctx: Ctx,
  runtime: StatusParts,
  actor: Actor | undefined,
  name: string,
): Promise<FunctionsInfo> {
  const need = { action: "start the program of", role: "developer", scope: "deploy" } as const;
  const { site } = await requireSite(ctx, actor, name, need);
  await runtime.startProgram(site.id);
  return readFunctions(ctx, runtime, actor, name);
}

/**
 * Removes all that the program of a site has stored with `env.DB`, for good: a full database can only be read, not made smaller. The program
 * starts anew with an empty one.
 *
 * @throws unauthenticated, scope_missing, site_role, site_not_found
 */
export async function removeDatabase(
  ctx: Ctx,
  runtime: Pick<StatusParts, "removeDatabase">,
  actor: Actor | undefined,
  name: string,
): Promise<void> {
  const need = { action: "remove the database of", role: "owner", scope: "account" } as const;
  const { site } = await requireSite(ctx, actor, name, need);
  await runtime.removeDatabase(site.id);
}

/**
 * Sets quotas of a site; what is not named stays, null is what the server allows. For admins of the server.
 *
 * @throws unauthenticated, scope_missing, forbidden, site_not_found
 */
export async function updateFunctions(
  ctx: Ctx,
  runtime: StatusParts,
  actor: Actor | undefined,
  name: string,
  { kvBytes, diskBytes, memoryBytes }: FunctionsChanges,
): Promise<FunctionsInfo> {
  const need = { action: "set quotas of", role: "owner", scope: "account" } as const;
  const changes = {
    ...(kvBytes !== undefined && { kvBytes }),
    ...(diskBytes !== undefined && { diskBytes }),
    ...(memoryBytes !== undefined && { memoryBytes }),
  };
  const site = await ctx.db.transaction(async (tx) => {
    const { site: found, actor: known } = await requireSite(ctx, actor, name, need);
    requireAdmin(known, "set quotas");
    if (Object.keys(changes).length > 0)
      await tx
        .insert(siteFunctions)
        .values({ siteId: found.id, ...changes })
        .onConflictDoUpdate({ target: siteFunctions.siteId, set: changes });
    return found;
  });
  ctx.hooks.emit("site.functions", { site: site.name });
  return readFunctions(ctx, runtime, actor, name);
}
