/**
 * `src/runtime` is the server's side of functions: sandbox, processes, limits, and what programs are given (key-value store,
 * egress, sockets, schedules). The server composes it. It must never run a line of a site's code in its own process.
 */
import type { DeployId, Digest, SiteName } from "#base/names.ts";
import type { Body, CallAnswer, LinkResponse, RequestHead } from "#bridge/model.ts";
import type { LoadedProgram } from "#sites/serving/program.ts";

/** Whose process it is. What a connection may reach is decided by this alone, never by what came over it. */
export type Tenant = { siteId: number; site: SiteName; deploy: DeployId };

/** A program that can be run. Never changes. */
export type ProgramRef = Tenant & {
  digest: Digest;
  mapDigest: Digest | undefined;
  /** The author's name for it. */
  name: string;
  language: "js" | "ts";
  /** Whether it has `env.DB`; undefined: whether its code names `DB` decides. */
  database: boolean | undefined;
};

/** The program of a deploy of a site. */
export function refOf(siteId: number, site: SiteName, program: LoadedProgram): ProgramRef {
  const { deploy, digest, mapDigest, name, language, database } = program;
  return { siteId, site, deploy, digest, mapDigest, name, language, database };
}

/** What one feature gives to programs. Handlers check `params`: they are hostile. What they throw with a `code` reaches the program. */
export type Binding = {
  calls?: Readonly<
    Record<
      string,
      (tenant: Tenant, params: unknown, bytes: Uint8Array) => CallAnswer | Promise<CallAnswer>
    >
  >;
  notes?: Readonly<Record<string, (tenant: Tenant, params: unknown, bytes: Uint8Array) => void>>;
  /** Egress: the one feature that answers requests of programs. */
  request?: (
    tenant: Tenant,
    head: RequestHead,
    body: Body,
    signal: AbortSignal,
  ) => Promise<LinkResponse>;
};
