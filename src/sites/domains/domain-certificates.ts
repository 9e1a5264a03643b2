import { inArray } from "drizzle-orm";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

import type { Ctx } from "#store/ctx.ts";

import type { Domain } from "../model.ts";

/**
 * What is read here of the tables of `src/tls`, which stands above this folder and alone writes them. Columns are named by
 * hand, see `src/traffic/tables.ts`.
 */
const certificates = sqliteTable("certificates", {
  name: text("name").primaryKey(),
  notAfter: integer("not_after", { mode: "timestamp_ms" }).notNull(),
});
const attempts = sqliteTable("acme_attempts", {
  name: text("name").primaryKey(),
  problem: text("problem").notNull(),
});

type CertificateState = Pick<Domain, "certificate" | "certificateProblem">;
const state = (
  certificate: Domain["certificate"],
  certificateProblem: string | null = null,
): CertificateState => ({ certificate, certificateProblem });

/** How each of some hosts stands with its certificate. */
export async function readCertificateStates(
  ctx: Ctx,
  hosts: readonly string[],
): Promise<(host: string) => CertificateState> {
  const { tls } = ctx.config;
  if (tls === "dev") return () => state("ready");
  if (tls !== "acme" || hosts.length === 0) return () => state("none");
  const names = [...hosts];
  const issued = await ctx.db.read
    .select()
    .from(certificates)
    .where(inArray(certificates.name, names));
  const failed = await ctx.db.read.select().from(attempts).where(inArray(attempts.name, names));
  const now = ctx.now();
  const ready = new Set(issued.filter(({ notAfter }) => notAfter > now).map(({ name }) => name));
  const problems = new Map(failed.map(({ name, problem }) => [name, problem]));
  return (host) => {
    const problem = problems.get(host) ?? null;
    if (ready.has(host)) return state("ready", problem);
    return problem === null ? state("pending") : state("failing", problem);
  };
}
