import type { ServerConfig } from "#base/config.ts";
import { parseDeployId, parseDigest, parseSiteName } from "#base/names.ts";
import { listCronRuns, listCrons } from "#runtime/crons/cron-verbs.ts";
import { type Crons, startCrons } from "#runtime/crons/scheduler.ts";
import type { CronRun } from "#runtime/model.ts";
import type { Cron } from "#sites/model.ts";
import { makeSite } from "#test/sites/domain-world.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { type Person, signUp } from "#test/support/people.ts";

/** A site of ada with a program that runs by the clock: what it does, a test says. */
export type CronWorld = AsyncDisposable & {
  ctx: TestCtx;
  ada: Person;
  siteId: number;
  crons: () => Crons;
  /** The schedules of the live program. */
  live: (crons: readonly string[] | undefined) => Promise<void>;
  /** What the program does from now on; by default nothing. */
  does: (handler: (signal: AbortSignal) => Promise<unknown>) => void;
  /** Runs so far, as `cron due-time`. */
  ran: string[];
  /** Moves the clock, then begins what is due. */
  pass: (ms: number) => Promise<void>;
  runs: () => Promise<CronRun[]>;
  nextAt: () => Promise<(string | null)[]>;
  /** Stops the server, and starts it again `ms` later. */
  restart: (ms: number, how?: "stop" | "kill") => Promise<void>;
};

/** Milliseconds. */
export const MINUTE = 60_000;

/** Makes it. It is 2026-03-01T12:00Z. */
export async function cronWorld(config: Partial<ServerConfig> = {}): Promise<CronWorld> {
  const ctx = await testCtx({ config: { registration: "open", ...config } });
  const ada = await signUp(ctx, "ada");
  const siteId = await makeSite(ctx, ada.actor, "blog");
  const site = parseSiteName("blog");
  const deploy = parseDeployId("aaaaaaaaaa");
  const digest = parseDigest(`sha256:${"0".repeat(64)}`);
  const ref = { siteId, site, deploy, digest, mapDigest: undefined, name: "main.ts" };
  let program: readonly Cron[] | undefined;
  let handler: (signal: AbortSignal) => Promise<unknown> = () => Promise.resolve();
  const ran: string[] = [];
  const start = (): Crons =>
    startCrons({
      ctx,
      liveProgramOf: () =>
        Promise.resolve(
          program && { ...ref, language: "ts" as const, database: undefined, crons: program },
        ),
      async run(_, { cron, scheduledTime }, signal) {
        ran.push(`${cron} ${new Date(scheduledTime).toISOString().slice(11, 16)}`);
        await handler(signal);
      },
    });
  let crons = start();
  await crons.settled();
  const page = { limit: 100, cursor: undefined };
  return {
    ctx,
    ada,
    siteId,
    crons: () => crons,
    ran,
    async live(list) {
      program = list?.map((cron) => ({ cron, timeZone: "UTC" }));
      ctx.hooks.emit("deploy.released", { site, deploy, user: "ada", rollback: false });
      await crons.settled();
    },
    does: (next) => void (handler = next),
    async pass(ms) {
      ctx.pass(ms);
      await crons.tick();
    },
    runs: async () => (await listCronRuns(ctx, ada.actor, "blog", page)).items,
    nextAt: async () => (await listCrons(ctx, ada.actor, "blog")).items.map(({ nextAt }) => nextAt),
    async restart(ms, how = "stop") {
      // A server that is killed leaves its runs as they stand.
      if (how === "stop") await crons.stop();
      ctx.pass(ms);
      crons = start();
      await crons.settled();
    },
    async [Symbol.asyncDispose]() {
      await crons.stop();
      await ctx.close();
    },
  };
}
