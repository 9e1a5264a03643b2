import { PassThrough, Readable } from "node:stream";

import type { Invoke, Told, UiProblem, UiStep } from "#ui/model.ts";

import type { Context } from "./context.ts";
import { renderStep, type Step } from "./progress.ts";
import { runLand } from "./run.ts";

const WARNING = "warning: ";
const MAX_WARNINGS = 50;

/** Runs commands in this process, each in a world of its own: no terminal, nothing to be asked, its own streams. */
export function invokeWith({ world, globals }: Context): Invoke {
  const given = [
    "--jsonl",
    ...(globals.registry === undefined ? [] : ["--registry", globals.registry]),
    ...(globals.plugins ? [] : ["--no-plugins"]),
  ];
  return async (argv, { cwd, signal, onStep }) => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const lines: string[] = [];
    const warnings: string[] = [];
    const written = Promise.all([
      readLines(stdout, (line) => {
        const step = stepOf(line);
        if (step) onStep?.(step);
        else lines[0] = line;
      }),
      readLines(stderr, (line) => {
        if (line.startsWith(WARNING) && warnings.length < MAX_WARNINGS)
          warnings.push(line.slice(WARNING.length));
      }),
    ]);
    const exitCode = await runLand({
      ...world,
      env: { ...world.env, NO_COLOR: "1" },
      // A registry that the command names itself counts, as the last one would.
      argv: [...(argv.includes("--registry") ? given.slice(0, 1) : given), ...argv],
      cwd,
      stdin: Readable.from([]),
      stdout,
      stderr,
      onSignal: (handler) => onAbort(signal, () => handler("SIGINT")),
      exit: () => undefined,
    });
    stdout.end();
    stderr.end();
    await written;
    return toTold(lines[0], exitCode, warnings);
  };
}

/** Calls `listener` once, also where it was aborted before. Returns the way to stop. */
function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) queueMicrotask(listener);
  else signal.addEventListener("abort", listener, { once: true });
  return () => signal.removeEventListener("abort", listener);
}

async function readLines(stream: PassThrough, onLine: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const found = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = found.pop() ?? "";
    for (const line of found) if (line !== "") onLine(line);
  }
  if (rest !== "") onLine(rest);
}

/** A line of progress in words; undefined for one that is none. */
function stepOf(line: string): UiStep | undefined {
  if (!line.startsWith('{"progress":')) return undefined;
  const { progress }: { progress: Step | { item: string } } = JSON.parse(line);
  if ("item" in progress) return { text: progress.item, isItem: true };
  const share = shareOf(progress);
  return {
    text: renderStep(progress, 0),
    isItem: false,
    ...(share !== undefined && { share }),
  };
}

function shareOf({ doneBytes, totalBytes, doneFiles, totalFiles }: Step): number | undefined {
  if (doneBytes !== undefined && totalBytes !== undefined && totalBytes > 0)
    return Math.min(1, doneBytes / totalBytes);
  if (doneFiles !== undefined && totalFiles !== undefined && totalFiles > 0)
    return Math.min(1, doneFiles / totalFiles);
  return undefined;
}

function toTold(line: string | undefined, exitCode: number, warnings: readonly string[]): Told {
  const value: unknown = line === undefined ? null : JSON.parse(line);
  if (exitCode === 0 || !isProblem(value))
    return { ok: true, value, isGood: exitCode === 0, warnings };
  const { code, detail, hint } = value;
  return { ok: false, problem: { code, detail, ...(hint !== undefined && { hint }) }, warnings };
}

function isProblem(value: unknown): value is UiProblem {
  return typeof value === "object" && value !== null && "code" in value && "detail" in value;
}
