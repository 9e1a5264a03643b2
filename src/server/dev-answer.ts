import type { ServerConfig } from "#base/config.ts";
import type { Log } from "#base/log.ts";
import { parseDeployId, parseSiteName } from "#base/names.ts";
import { answerSite, type Parts } from "#sites/serving/answer.ts";
import type { LoadedSite } from "#sites/serving/load.ts";
import { UPGRADED } from "#sites/serving/program.ts";
import { createBodies } from "#sites/serving/serve-bodies.ts";
import { createPreferences } from "#sites/serving/serve-encoding.ts";
import { createVisitorLimits } from "#sites/serving/serve-limits.ts";

import type { Content } from "./dev-content.ts";
import type { Build } from "./dev-folder.ts";

/** Answers for a folder, and says what answered: a file, or where a redirect leads to. */
export type FolderAnswer = (
  request: Request,
  host: string,
) => Promise<{ response: Response; bytes: number; by: string | undefined }>;

/** What answers are made of. */
export type FolderAnswerOptions = {
  config: ServerConfig;
  content: Content;
  current: () => Promise<Build>;
  now: () => Date;
  random: (bytes: number) => Uint8Array;
  onWarning: (text: string) => void;
};

/** Files that vanish between the look at the folder and the answer, for one request. */
const MAX_VANISHED = 10;
const DEPLOY = parseDeployId("aaaaaaaaaa");
/** A site as it is made. */
const SITE: LoadedSite["site"] = {
  id: 0,
  name: parseSiteName("dev"),
  protection: "none",
  passwordHash: null,
  gateVersion: 1,
  maintenance: false,
  requestsPerMinute: null,
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
    index: { find: async () => ({}), forget() {}, drop: async () => undefined },
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
  const peer = { address: () => "127.0.0.1", secure: false };
  return async (request, host) => {
    const build = await current();
    const vanished = new Set<string>();
    for (;;) {
      const before = vanished.size;
      let bytes = 0;
      let file: string | undefined;
      const loaded = loadedOf(build, content, { vanished, onFile: (path) => void (file = path) });
      const response = await answerSite(
        { ...parts, recorder: { note: (visit) => void (bytes = visit.bytes) } },
        { request, loaded, destination: { kind: "other", host }, peer },
      );
      // Gone since the folder was looked at: then something else answers.
      if (vanished.size > before && before < MAX_VANISHED) continue;
      if (response === UPGRADED) throw new Error("a folder upgrades no connection");
      return { response, bytes, by: response.headers.get("location") ?? file };
    }
  };
}

/** What the server of sites would have loaded had the folder been deployed. */
function loadedOf(
  build: Build,
  content: Content,
  { vanished, onFile }: { vanished: Set<string>; onFile: (path: string) => void },
): LoadedSite {
  const { dir, files, rules, changedAtMs } = build;
  return {
    site: SITE,
    isDeployAddress: false,
    shown: {
      deploy: DEPLOY,
      manifest: {
        count: files.size,
        weightBytes: 0,
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
