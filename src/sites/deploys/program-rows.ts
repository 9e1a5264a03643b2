import { eq, inArray } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { grants } from "#accounts/guard.ts";
import { fail } from "#base/errors.ts";
import type { DeployId } from "#base/names.ts";
import type { Tx } from "#store/db.ts";

import type { Program } from "../model.ts";
import { senderOf, type SiteRow } from "../rights.ts";
import { deployPrograms } from "../tables.ts";
import type { DeployRow } from "./deploy-rows.ts";
import type { NewProgram } from "./program.ts";

/** A row of the table of programs. */
export type ProgramRow = typeof deployPrograms.$inferSelect;

/** Writes down the program of a deploy that is being begun; `byKey`: as `requireMayProgram` tells. */
export async function addProgram(
  tx: Tx,
  deployId: DeployId,
  program: NewProgram,
  byKey: boolean,
): Promise<void> {
  const { files: _, ...row } = program;
  await tx.insert(deployPrograms).values({ deployId, ...row, byKey });
}

/** The program of a deploy, if it has one. */
export async function findProgramRow(db: Tx, id: DeployId | null): Promise<ProgramRow | undefined> {
  if (id === null) return undefined;
  const [row] = await db.select().from(deployPrograms).where(eq(deployPrograms.deployId, id));
  return row;
}

/** The programs of deploys, by their ids. */
export async function findPrograms(
  db: Tx,
  ids: readonly DeployId[],
): Promise<ReadonlyMap<DeployId, Program>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .select()
    .from(deployPrograms)
    .where(inArray(deployPrograms.deployId, [...ids]));
  return new Map(rows.map((row) => [row.deployId, toProgram(row)]));
}

/** A program as the API tells it. */
function toProgram({ name, sizeBytes, routes, crons }: ProgramRow): Program {
  return { name, sizeBytes, routes, crons };
}

/** What of a program decides whether it is another one. */
type Told = Pick<
  ProgramRow,
  "name" | "language" | "digest" | "mapDigest" | "routes" | "crons" | "database"
>;

/**
 * Refuses a program that a deploy key brings, unless the owner lets keys bring programs, or it is the very one that is live. A
 * program reads the secrets of its site, which no key that may only deploy does. Answers whether it is one that only that lets in.
 *
 * @throws program_key
 */
export async function requireMayProgram(
  tx: Tx,
  actor: Actor,
  site: SiteRow,
  program: Told,
): Promise<boolean> {
  if (!mayOnlyDeploy(actor, site)) return false;
  const live = await findProgramRow(tx, site.liveDeploy);
  if (live && identityOf(live) === identityOf(program)) return false;
  if (!site.keyPrograms) throw fail("program_key", { site: site.name });
  return true;
}

/**
 * Refuses that a deploy key makes live what a key brought, unless it might bring it now. It could be a program from when the owner let keys
 * bring some, and took that back.
 *
 * @throws program_key
 */
export async function requireMayRelease(
  tx: Tx,
  actor: Actor,
  site: SiteRow,
  row: Pick<DeployRow, "id" | "keyId">,
): Promise<void> {
  if (row.keyId === null) return;
  const program = await findProgramRow(tx, row.id);
  if (program) await requireMayProgram(tx, actor, site, program);
}

function mayOnlyDeploy(actor: Actor, { name }: SiteRow): boolean {
  if (senderOf(actor).keyId === null || actor.via.kind !== "token") return false;
  return !actor.via.scopes.some((scope) => grants(scope, `site:${name}`));
}

function identityOf(program: Told): string {
  const { name, language, digest, mapDigest, routes, crons, database } = program;
  return JSON.stringify([
    name,
    language,
    digest,
    mapDigest,
    routes,
    crons.map(({ cron, timeZone }) => [cron, timeZone]),
    database,
  ]);
}
