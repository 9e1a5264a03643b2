import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { DEV_PORT, type DevAnswer, type RunningDev, startDev } from "#server/dev.ts";

import { defineCommand } from "./command.ts";
import type { Context } from "./context.ts";
import { findSiteFolder } from "./deploy-folder.ts";
import { createStyle, renderBytes, renderCount, shorten, type Style } from "./render.ts";

/** Serves a folder while it is made. */
export default defineCommand({
  more: `Answers as a server would that the folder was deployed to: the same files, _redirects and _headers, addresses, headers and
codings. Pages reload when a file changes; a changed stylesheet is swapped. Nothing is sent anywhere, and only this
machine is answered unless --host says otherwise. Each request is a line on stderr, in UTC. Ctrl-C ends it.`,
  examples: [
    "land dev # the folder that `land deploy` would send",
    "land dev dist --open # the folder dist, in the browser",
    "land dev --host 0.0.0.0 # for a telephone in the same network, too",
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
  },
  async run(context, args) {
    const { world, json, say, warn } = context;
    const { dir, settings, main } = await findSiteFolder(context, args.dir);
    const port = args.port === undefined ? undefined : parsePort(args.port);
    const style = createStyle(world.stderr, context.env, context.globals);
    const log = (line: string): void =>
      void (context.globals.quiet || world.stderr.write(`${line}\n`));
    const running = await startDev({
      folder: dir,
      main,
      host: args.host ?? "127.0.0.1",
      port,
      now: world.now,
      random: world.random,
      onAnswer: (answer) => log(renderAnswer(answer, style)),
      onChange: (paths) => log(style.dim(renderChange(paths))),
      onWarning: (text) => warn(printableLong(text)),
    });
    const { url } = running;
    try {
      const program = running.program ?? settings?.main;
      tellLimits(context, running, program);
      if (port === undefined && running.port !== DEV_PORT)
        say(`Port ${DEV_PORT} is taken, so this is ${running.port}`);
      world.stdout.write(
        json
          ? `${JSON.stringify({ url, dir })}\n`
          : `land dev serves ${printable(dir)} on ${url}\n`,
      );
      if (args.open && !(await world.openBrowser(url))) say("No browser was found");
      await untilToldToStop(context);
    } finally {
      await running.stop();
    }
    return undefined;
  },
});

/** Says what the user may not expect. */
function tellLimits(
  { warn }: Context,
  { files, hasIndex }: RunningDev,
  program: string | undefined,
): void {
  if (program !== undefined)
    warn(
      `This version of land runs no programs: "${shorten(program, 60)}" does not run, files are served alone`,
    );
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

/** `12:30:05 GET 200 /a 1.2 kB 3 ms → a.html`. */
function renderAnswer(
  { at, method, target, status, bytes, ms, by }: DevAnswer,
  style: Style,
): string {
  const paint =
    status < 300
      ? style.green
      : status < 400
        ? style.cyan
        : status < 500
          ? style.yellow
          : style.red;
  return [
    style.dim(at.toISOString().slice(11, 19)),
    printable(method).padEnd(4),
    paint(String(status)),
    printable(target),
    style.dim(`${renderBytes(bytes)} ${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`),
    ...(by === undefined ? [] : [style.dim(`→ ${printable(by)}`)]),
  ].join(" ");
}

/** `changed: index.html and 3 others`. */
function renderChange(paths: readonly string[]): string {
  const [first = ""] = paths;
  const others = paths.length - 1;
  return `changed: ${printable(first)}${others === 0 ? "" : ` and ${renderCount(others, "other")}`}`;
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
