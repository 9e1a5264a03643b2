import type { Context } from "./context.ts";
import { renderBytes, renderCount } from "./render.ts";

/** Something that moves: what is done, out of what where that is known. */
export type Step = {
  /** What happens: `Downloading`. */
  verb: string;
  doneBytes?: number;
  totalBytes?: number;
  doneFiles?: number;
  totalFiles?: number;
};

/** Tells a waiting user what happens, on stderr. */
export type Progress = {
  /** Replaces what the moving line shows. */
  update: (step: Step) => void;
  /** One item is finished: a line that stays where stderr is piped; nothing on a terminal, where the line moves. */
  item: (line: string) => void;
  /** Takes the moving line away. Must be called before anything else is written. */
  stop: () => void;
};

const REDRAW_MS = 80;
const CLEAR = "\r\u001B[2K";

/**
 * Makes the progress of one act. On a terminal one line is redrawn, at most every 80 ms; piped, each finished item is a
 * line. With --quiet or --json nothing is written; with --jsonl each call is a JSON line on stdout.
 */
export function createProgress(context: Context): Progress {
  const { world, globals } = context;
  if (globals.jsonl) return jsonLines((line) => void world.stdout.write(line));
  if (globals.quiet || globals.json) return { update: () => {}, item: () => {}, stop: () => {} };
  if (world.stderr.isTTY !== true)
    return { update: () => {}, item: (line) => context.say(line), stop: () => {} };
  return movingLine(context);
}

function jsonLines(write: (line: string) => void): Progress {
  const print = (value: unknown): void => write(`${JSON.stringify(value)}\n`);
  return {
    update: (step) => print({ progress: step }),
    item: (line) => print({ progress: { item: line } }),
    stop: () => {},
  };
}

function movingLine({ world, now }: Context): Progress {
  let drawnAt = 0;
  let began: { verb: string; at: number } | undefined;
  let visible = false;
  return {
    update(step) {
      const at = now().getTime();
      if (began?.verb !== step.verb) began = { verb: step.verb, at };
      else if (at - drawnAt < REDRAW_MS) return;
      drawnAt = at;
      visible = true;
      const line = renderStep(step, at - began.at);
      world.stderr.write(CLEAR + Bun.sliceAnsi(line, 0, (world.stderr.columns || 80) - 1));
    },
    item: () => {},
    stop() {
      if (visible) world.stderr.write(CLEAR);
      visible = false;
    },
  };
}

/** `Downloading  3/8 files  1.2 MB of 4 MB  600 kB/s`. */
export function renderStep(step: Step, elapsedMs: number): string {
  const parts = [step.verb];
  const { doneBytes, totalBytes, doneFiles, totalFiles } = step;
  if (doneFiles !== undefined)
    parts.push(
      totalFiles === undefined
        ? renderCount(doneFiles, "file")
        : `${doneFiles}/${totalFiles} files`,
    );
  if (doneBytes !== undefined)
    parts.push(
      totalBytes === undefined
        ? renderBytes(doneBytes)
        : `${renderBytes(doneBytes)} of ${renderBytes(totalBytes)}`,
    );
  if (doneBytes !== undefined && doneBytes > 0 && elapsedMs >= 500)
    parts.push(`${renderBytes(Math.round((doneBytes * 1000) / elapsedMs))}/s`);
  return parts.join("  ");
}
