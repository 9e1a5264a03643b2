import { PassThrough, Readable } from "node:stream";

import { version } from "#base/build-info.ts";
import { fail } from "#base/errors.ts";
import { stateFile } from "#install/state.ts";
import { fileCredentials } from "#remote/credentials.ts";
import type { Invoke, Told, UiOptions, UiProblem } from "#ui/model.ts";
import { startUi } from "#ui/server.tsx";

import { defineCommand } from "./command.ts";
import { homeOf, registryOf, trustedRegistries } from "./connect.ts";
import type { Context } from "./context.ts";
import { renderStep, type Step } from "./progress.ts";
import { runLand } from "./run.ts";

/** Shows what the client knows, and does what its commands do, in the browser. */
export default defineCommand({
  more: `Serves pages on 127.0.0.1 to this machine alone, and opens them. The address it prints lets in one browser, once.
Every button is a command that could be typed; the page says which. It runs until Ctrl-C, or until Quit is pressed.`,
  examples: ["land ui", "land ui --port 5270 --no-open # prints the address alone"],
  args: {
    port: { type: "text", value: "PORT", about: "Port; by default a free one" },
    open: { type: "boolean", default: true, about: "Open no browser" },
  },
  async run(context, { port, open }) {
    const running = startUi({ ...optionsOf(context), port: parsePort(port) });
    const { promise: interrupted, resolve } = Promise.withResolvers<void>();
    context.takeSignals(() => resolve());
    try {
      if (context.json)
        context.world.stdout.write(`${JSON.stringify({ url: running.url, port: running.port })}\n`);
      else context.world.stdout.write(`land ui is at ${running.url}\n`);
      if (open && context.interactive && !(await context.world.openBrowser(running.url)))
        context.say("No browser was found: open that address in one");
      await Promise.race([running.ended, interrupted]);
    } finally {
      await running.stop();
    }
    return undefined;
  },
});

function parsePort(text: string | undefined): number {
  if (text === undefined) return 0;
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw fail("usage", { problem: `Cannot use "${text}" for --port: it is no port` });
}

function optionsOf(context: Context): Omit<UiOptions, "port"> {
  const home = homeOf(context);
  return {
    version,
    landHome: context.landHome,
    invoke: invokeWith(context),
    now: context.now,
    random: context.world.random,
    async projects() {
      const { projects } = await stateFile(home).read();
      return projects.toSorted((a, b) => b.lastUsedAt.localeCompare(a.lastUsedAt));
    },
    async accounts() {
      const credentials = fileCredentials(home);
      const used = await registryOf(context);
      const registries = new Set([used, ...(await trustedRegistries(context))]);
      return Promise.all(
        [...registries].map(async (registry) => ({
          registry,
          user: (await credentials.read(registry))?.user,
          isDefault: registry === used,
        })),
      );
    },
  };
}

/** Runs commands in this process, each in a world of its own: no terminal, nothing to be asked, its own streams. */
function invokeWith({ world, globals }: Context): Invoke {
  return async (argv, { cwd, signal, onStep }) => {
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    stderr.resume();
    const lines: string[] = [];
    const written = readLines(stdout, (line) => {
      const step = stepOf(line);
      if (step === undefined) lines.push(line);
      else if (step !== "") onStep?.(step);
    });
    const flags = [
      "--jsonl",
      ...(globals.registry === undefined ? [] : ["--registry", globals.registry]),
    ];
    const exitCode = await runLand({
      ...world,
      argv: [...flags, ...argv],
      cwd,
      stdin: Readable.from([]),
      stdout,
      stderr,
      onSignal(handler) {
        const cancel = (): void => handler("SIGINT");
        signal.addEventListener("abort", cancel);
        return () => signal.removeEventListener("abort", cancel);
      },
      exit: () => undefined,
    });
    stdout.end();
    await written;
    return toTold(lines.at(-1), exitCode);
  };
}

async function readLines(stream: PassThrough, onLine: (line: string) => void): Promise<void> {
  let rest = "";
  for await (const chunk of stream) {
    rest += String(chunk);
    const found = rest.split("\n");
    rest = found.pop() ?? "";
    for (const line of found) if (line !== "") onLine(line);
  }
  if (rest !== "") onLine(rest);
}

/** The words of a line of progress; undefined for one that is none. */
function stepOf(line: string): string | undefined {
  if (!line.startsWith('{"progress":')) return undefined;
  const { progress }: { progress: Step | { item: string } } = JSON.parse(line);
  return "item" in progress ? progress.item : renderStep(progress, 0);
}

function toTold(line: string | undefined, exitCode: number): Told {
  const value: unknown = line === undefined ? null : JSON.parse(line);
  if (exitCode === 0 || !isProblem(value)) return { ok: true, value };
  const { code, detail, hint } = value;
  return { ok: false, problem: { code, detail, ...(hint !== undefined && { hint }) } };
}

function isProblem(value: unknown): value is UiProblem {
  return typeof value === "object" && value !== null && "code" in value && "detail" in value;
}
