import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { loadConfig, type ServerConfig } from "#base/config.ts";
import { createLog } from "#base/log.ts";
import type { DeployId, Digest, SiteName } from "#base/names.ts";
import { type Body, BridgeError } from "#bridge/model.ts";
import type { ProgramLine, SupervisorParts } from "#runtime/process/parts.ts";
import { createSupervisor, type Supervisor } from "#runtime/process/supervisor.ts";
import { createSpawner } from "#runtime/sandbox/spawn.ts";
import type { ProgramRef } from "#runtime/tenant.ts";

/** What came back, or the code of why nothing did. */
export type Told = { status: number; text: string; code?: string; retryAfterSeconds?: number };

/** A supervisor with real processes, whose programs are texts. */
export type ProcessWorld = {
  supervisor: Supervisor;
  /** Lines of the owners' logs. */
  lines: (ProgramLine & { siteId: number })[];
  logged: string[];
  /** Comes back with the first line that has this code in its data. */
  line: (code: string) => Promise<ProgramLine>;
  env: Map<number, Record<string, string>>;
  quotas: Map<number, { memoryBytes?: number; diskBytes?: number }>;
  /** A deploy of a site with this source. */
  program: (source: string, more?: Partial<ProgramRef>) => ProgramRef;
  ask: (
    ref: ProgramRef,
    path?: string,
    more?: { body?: Body; signal?: AbortSignal },
  ) => Promise<Told>;
  pidOf: (siteId: number) => number;
  folder: (siteId: number) => string;
  config: ServerConfig;
  close: () => Promise<void>;
};

let deploys = 0;

/** Opens one. `sandbox` is "none" unless it is told: most of what is tested here does not need it. */
export async function processWorld(
  settings: Partial<ServerConfig> = {},
  parts: Partial<SupervisorParts> = {},
): Promise<ProcessWorld> {
  const data = await mkdtemp(join(tmpdir(), "land-process-"));
  const config: ServerConfig = {
    ...loadConfig({ data, env: {}, flags: {} }),
    "functions.sandbox": "none",
    "functions.pool": 0,
    drainSeconds: 1,
    ...settings,
  };
  const logged: string[] = [];
  const lines: ProcessWorld["lines"] = [];
  const waiting = new Set<() => void>();
  const log = createLog(
    "info",
    (text) => void logged.push(text),
    () => new Date(),
  );
  const sources = new Map<string, string>();
  const env: ProcessWorld["env"] = new Map();
  const quotas: ProcessWorld["quotas"] = new Map();
  const dir = join(data, "functions");
  const supervisor = createSupervisor({
    config,
    log,
    now: () => new Date(),
    random: (bytes) => new Uint8Array(randomBytes(bytes)),
    dir,
    bindings: [],
    spawner: createSpawner({ config, log }),
    codeOf: async ({ digest }) => ({
      code: Buffer.from(sources.get(digest) ?? ""),
      map: undefined,
    }),
    envOf: async (siteId) => env.get(siteId) ?? {},
    quotasOf: async (siteId) => ({
      memoryBytes: config["functions.memoryBytes"],
      diskBytes: config["functions.diskBytes"],
      ...quotas.get(siteId),
    }),
    noteLog({ siteId }, line) {
      lines.push({ ...line, siteId });
      for (const look of waiting) look();
    },
    ...parts,
  });

  function program(source: string, more: Partial<ProgramRef> = {}): ProgramRef {
    const digest = `sha256:${createHash("sha256").update(source).digest("hex")}` as Digest;
    sources.set(digest, source);
    deploys += 1;
    const siteId = more.siteId ?? deploys;
    return {
      siteId,
      site: `site-${siteId}` as SiteName,
      deploy: String(deploys).padStart(10, "0") as DeployId,
      digest,
      mapDigest: undefined,
      name: "main.js",
      language: "js",
      database: undefined,
      ...more,
    };
  }

  return {
    supervisor,
    lines,
    logged,
    env,
    quotas,
    config,
    program,
    line(code) {
      const { promise, resolve } = Promise.withResolvers<ProgramLine>();
      const look = (): void => {
        const found = lines.find(({ data: about }) => about?.["code"] === code);
        if (!found) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
      return promise;
    },
    async ask(ref, path = "/", { body = null, signal = new AbortController().signal } = {}) {
      const url = `http://${ref.site}.localhost${path}`;
      const head = {
        method: body ? "POST" : "GET",
        url,
        headers: [],
        requestId: `r-${path}`,
        address: "127.0.0.1",
      };
      try {
        const answer = await supervisor.request(ref, head, body, signal);
        return { status: answer.status, text: await new Response(answer.body).text() };
      } catch (error) {
        if (!(error instanceof BridgeError)) throw error;
        const { code, message, retryAfterSeconds } = error;
        return {
          status: 0,
          text: message,
          code,
          ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
        };
      }
    },
    pidOf: (siteId) => supervisor.processesOf(siteId)[0]?.pid ?? 0,
    folder: (siteId) => join(dir, String(siteId)),
    async close() {
      await supervisor.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
}

/** Looks until something is so; the end of another process comes without an event. */
export async function until(what: () => boolean): Promise<void> {
  while (!what()) await Bun.sleep(5);
}

/** Whether a process is there. */
export const isRunning = (pid: number): boolean => existsSync(`/proc/${pid}`);

/** A program that answers what its function returns. */
export const answering = (expression: string): string =>
  `export default { async fetch(request, env, ctx) { const url = new URL(request.url); return new Response(String(${expression})); } };`;
