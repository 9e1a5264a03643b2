import type { DeployId, Digest } from "#base/names.ts";
import type { Peer } from "#http/peer.ts";

import type { Cron } from "../model.ts";
import type { ServedSite } from "./load.ts";

/** The program of a deploy as it is loaded with its site. */
export type LoadedProgram = {
  readonly deploy: DeployId;
  readonly digest: Digest;
  readonly mapDigest: Digest | undefined;
  readonly name: string;
  readonly language: "js" | "ts";
  /** Whether it answers this path before files do. */
  readonly claims: (path: string) => boolean;
  readonly crons: readonly Cron[];
  readonly database: boolean | undefined;
  /** Whether it is what the site's own address shows; else the deploy's own address is asked. */
  readonly isLive: boolean;
  /** Whether it never was what the site's own address shows. */
  readonly isDraft: boolean;
  /** Whether a deploy key brought it, and the owner does not let keys bring programs any more. */
  readonly isBarred: boolean;
  /** When the deploy was made, in milliseconds since 1970. */
  readonly createdAtMs: number;
  /** What it takes in memory, about. */
  readonly weightBytes: number;
};

/** Stands for an answer where the connection became a WebSocket. */
export const UPGRADED = "upgraded";
/** An answer of a site. */
export type SiteAnswer = Response | typeof UPGRADED;

/** A visitor's request that a program is to answer. */
export type ProgramAsk = {
  request: Request;
  requestId: string;
  site: ServedSite;
  program: LoadedProgram;
  /** Host that was asked, without port. */
  host: string;
  peer: Peer;
  address: string;
};

/** What a program answered. */
export type ProgramAnswer = {
  response: SiteAnswer;
  /** Bytes of the body where it is whole; else `sent` tells when the last one is gone. */
  bytes: number;
  sent?: Promise<number>;
};

/** Runs programs of sites. */
export type Programs = {
  /** The answer of a program, or a page that tells why there is none. Never throws. */
  answer: (ask: ProgramAsk) => Promise<ProgramAnswer>;
};
