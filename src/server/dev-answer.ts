import type { ServerConfig } from "#base/config.ts";
import type { Log } from "#base/log.ts";
import { parseDeployId, parseSiteName } from "#base/names.ts";
import type { Peer } from "#http/peer.ts";
import { answerSite, type Parts } from "#sites/serving/answer.ts";
import type { LoadedSite, Shown } from "#sites/serving/load.ts";
import {
  type LoadedProgram,
  type Programs,
  type SiteAnswer,
  UPGRADED,
} from "#sites/serving/program.ts";
import { createBodies } from "#sites/serving/serve-bodies.ts";
import { createPreferences } from "#sites/serving/serve-encoding.ts";
import { createVisitorLimits } from "#sites/serving/serve-limits.ts";
import { noVariants } from "#sites/serving/variants.ts";

import type { Content } from "./dev-content.ts";
import type { Build } from "./dev-folder.ts";

/** Answers for a folder and its program. */
export type FolderAnswer = (request: Request, host: string, peer: Peer) => Promise<Answered>;

/** An answer, and what gave it. */
export type Answered = {
  response: SiteAnswer;
  /** Of the body; undefined where that is still sent. */
  bytes: number | undefined;
  /** A file, the program, or where a redirect leads to. */
  by: string | undefined;
  isByProgram: boolean;
};

/** What answers are made of. */
export type FolderAnswerOptions = {
  config: ServerConfig;
  content: Content;
  current: () => Promise<Build>;
  /** The program as it is now; undefined where there is none. */
  program: () => Promise<LoadedProgram | undefined>;
  programs: Programs;
  now: () => Date;
  random: (bytes: number) => Uint8Array;
  onWarning: (text: string) => void;
};

/** Files that vanish between the look at the folder and the answer, for one request. */
const MAX_VANISHED = 10;
const DEPLOY = parseDeployId("aaaaaaaaaa");
/** A site as it is made. No site of a server has its id. */
export const SITE: LoadedSite["site"] = {
  id: 0,
  name: parseSiteName("dev"),
  protection: "none",
  passwordHash: null,
  gateVersion: 1,
  maintenance: false,
  requestsPerMinute: null,
};

const NO_CODINGS = {
  find: async () => noVariants(),
  peek: noVariants,
  forget() {},
  drop: async () => undefined,
};

/** Answers from the folder by the code of the server of sites. */
export function createFolderAnswer(options: FolderAnswerOptions): FolderAnswer {
  const { config, content, current, now, random } = options;
  const ctx: Parts["ctx"] = {
    config,
    log: logTo(options.onWarning),
    now,
    random,
    publicUrl: () => "http://localhost",
  };
  const bodies = createBodies(ctx, config["sites.cacheBytes"], {
    find: content.find,
    read: async (digest) => (await content.find(digest))?.bytes(),
    readNow: () => undefined,
    index: NO_CODINGS,
  });
  const parts = {
    ctx,
    bodies,
    gate: async () => undefined,
    hot: { isWanted: () => false, put() {} },
    preferences: createPreferences(),
    limits: createVisitorLimits(ctx),
    loader: { isCurrent: () => false },
  };
  return async (request, host, peer) => {
    const build = await current();
    const program = await options.program();
    const vanished = new Set<string>();
    for (;;) {
      const before = vanished.size;
      let bytes: number | undefined;
      let file: string | undefined;
      let isByProgram = false;
      const loaded = loadedOf(build, content, { vanished, onFile: (path) => void (file = path) });
      const programs: Programs = {
        answer(ask) {
          isByProgram = true;
          return options.programs.answer(ask);
        },
      };
      const response = await answerSite(
        { ...parts, programs, recorder: { note: (visit) => void (bytes = visit.bytes) } },
        {
          request,
          loaded: { ...loaded, shown: { ...loaded.shown, program } },
          destination: { kind: "other", host },
          peer,
        },
      );
      // Gone since the folder was looked at: then something else answers.
      if (vanished.size > before && before < MAX_VANISHED) continue;
      const location = response === UPGRADED ? null : response.headers.get("location");
      const by = isByProgram ? program?.name : (location ?? file);
      return { response, bytes, by, isByProgram };
    }
  };
}

/** What the server of sites would have loaded had the folder been deployed. */
function loadedOf(
  build: Build,
  content: Content,
  { vanished, onFile }: { vanished: Set<string>; onFile: (path: string) => void },
): LoadedSite & { shown: Shown } {
  const { dir, files, rules, changedAtMs } = build;
  return {
    site: SITE,
    isDeployAddress: false,
    shown: {
      deploy: DEPLOY,
      manifest: {
        has: (path) => files.has(path) && !vanished.has(path),
        async find(path) {
          const file = files.get(path);
          const found = file && (await content.read(dir, file));
          if (found) onFile(path);
          else vanished.add(path);
          return found;
        },
      },
      rules,
      changedAtMs,
    },
  };
}

/** What would be in the log of a server is told to who makes the site. */
function logTo(tell: (text: string) => void): Log {
  const say = (event: string, { cause }: Record<string, unknown> = {}): void =>
    tell(cause instanceof Error ? cause.message : event);
  return { info: () => undefined, warn: say, error: say };
}
