import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { DEV_PORT, type DevOptions, type DevProgramInfo, startDev } from "#server/dev.ts";

import { defineCommand } from "./command.ts";
import type { Context } from "./context.ts";
import { findSiteFolder } from "./deploy-folder.ts";
import {
  renderAnswer,
  renderChange,
  renderProgramLine,
  renderSchedule,
  tellProgram,
} from "./dev-lines.ts";
import { programSourceOf } from "./dev-source.ts";
import { createStyle } from "./render.ts";

/** Serves a folder while it is made. */
export default defineCommand({
  more: `Answers as a server would that the folder was deployed to: the same files, _redirects and _headers, addresses, headers and
codings, and its program in the same sandbox. Pages reload when a file changes; a changed stylesheet is swapped, a changed
program bundled anew. Nothing is sent anywhere, and only this machine is answered unless --host says otherwise. What a
program keeps is in .land, its variables come from .env beside land.json. Each request is a line on stderr, in UTC, and so
is what the program logs. Schedules run with --crons, or one at a time:
curl -X POST 'http://localhost:${DEV_PORT}/.land/scheduled?cron=…'. Ctrl-C ends it.`,
  examples: [
    "land dev # the folder that `land deploy` would send",
    "land dev dist --open # the folder dist, in the browser",
    "land dev --host 0.0.0.0 # for a telephone in the same network, too",
    "land dev --egress-private 127.0.0.1:9000 # where the program asks a server on this machine",
  ],
  args: {
    dir: {
      type: "optional",
      about: "Folder to serve (default: site.dir of land.json, else this one)",
    },
    host: {
      type: "text",
      value: "HOST",
      about: "Address to listen on (default: 127.0.0.1)",
      env: false,
    },
    port: {
      type: "text",
      value: "PORT",
      about: `Port to listen on; 0 picks one (default: ${DEV_PORT}, or the next one that is free)`,
      env: false,
    },
    open: { type: "boolean", about: "Show it in the browser" },
    crons: { type: "boolean", about: "Run the program's schedules by the clock", env: false },
    egressPrivate: {
      type: "list",
      value: "ADDR:PORT",
      about: "Address that is not public and that the program may ask",
      env: false,
    },
    unsafeNoSandbox: {
      type: "boolean",
      about: "Run the program with all your rights, for systems without the sandbox",
      env: false,
    },
  },
  async run(context, args) {
    const { world, json, say } = context;
    const folder = await findSiteFolder(context, args.dir);
    const port = args.port === undefined ? undefined : parsePort(args.port);
    const running = await startDev({
      folder: folder.dir,
      source: programSourceOf(context, folder),
      unsafeNoSandbox: args.unsafeNoSandbox,
      egressPrivate: args.egressPrivate,
      runsCrons: args.crons,
      host: args.host ?? "127.0.0.1",
      port,
      now: world.now,
      random: world.random,
      ...tellersOf(context),
    });
    const { url, program, unconfined } = running;
    try {
      tellLimits(context, running, program);
      if (program) tellProgram(context, { url, program, unconfined, runsCrons: args.crons });
      if (port === undefined && running.port !== DEV_PORT)
        say(`Port ${DEV_PORT} is taken, so this is ${running.port}`);
      const value = {
        url,
        dir: folder.dir,
        program: program ? valueOf(program, unconfined === undefined) : null,
      };
      world.stdout.write(
        json
          ? `${JSON.stringify(value)}\n`
          : `land dev serves ${printable(folder.dir)} on ${url}\n`,
      );
      if (args.open && !(await world.openBrowser(url))) say("No browser was found");
      await untilToldToStop(context);
    } finally {
      await running.stop();
    }
    return undefined;
  },
});

/** A program as `--json` tells of it. */
function valueOf({ name, problem, ...program }: DevProgramInfo, sandboxed: boolean): object {
  return { name: name ?? null, problem: problem ?? null, ...program, sandboxed };
}

type Tellers = Pick<DevOptions, "onAnswer" | "onChange" | "onProgram" | "onLine" | "onWarning">;

/** What is told while it runs. */
function tellersOf(context: Context): Tellers {
  const { world, globals, warn } = context;
  const style = createStyle(world.stderr, context.env, globals);
  const log = (line: string): void => void (globals.quiet || world.stderr.write(`${line}\n`));
  const logLine: Tellers["onLine"] = (line) => log(renderProgramLine(world.now(), line, style));
  return {
    onAnswer: (answer) => log(renderAnswer(answer, style)),
    onChange: (paths) => log(style.dim(renderChange("changed", paths))),
    onProgram(program, paths) {
      if (program.problem !== undefined)
        return logLine({ level: "error", message: program.problem });
      if (paths.length > 0) log(style.dim(renderChange("program changed", paths)));
      for (const cron of program.crons) log(style.dim(renderSchedule(cron)));
    },
    onLine: logLine,
    onWarning: (text) => warn(printableLong(text)),
  };
}

/** Says what the user may not expect. */
function tellLimits(
  { warn }: Context,
  { files, hasIndex }: { files: number; hasIndex: boolean },
  program: DevProgramInfo | undefined,
): void {
  if (program) return;
  if (files === 0) warn("The folder holds no file to serve. Was it built?");
  else if (!hasIndex) warn("There is no index.html at the top: who asks for / gets 404");
}

/** @throws usage */
function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 65_536;
  if (port <= 65_535) return port;
  throw fail("usage", {
    problem: `Cannot use "${printable(text)}" for --port: use 0 to 65535`,
  });
}

function printableLong(text: string): string {
  return (text.match(/.{1,200}/gsu) ?? []).map(printable).join("");
}

/** Resolves at the first signal. */
async function untilToldToStop({ takeSignals, signal }: Context): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((done) => {
    takeSignals(() => done());
  });
}
