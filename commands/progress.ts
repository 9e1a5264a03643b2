import type { Context } from "./context.ts";
import { renderBytes, renderCount, renderNumber } from "./render.ts";

/** Something that moves: what is done, out of what where that is known. */
export type Step = {
  /** What happens: `Downloading`. */
  verb: string;
  doneBytes?: number;
  totalBytes?: number;
  doneFiles?: number;
  totalFiles?: number;
  /** How many packages it is about so far. */
  packages?: number;
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
const TICK_MS = 200;
/** From here on a step says how long it lasts. */
const LONG_MS = 3000;
const CLEAR = "\r\u001B[2K";

/**
 * Makes the progress of one act. On a terminal one line is redrawn, by updates at most every 80 ms; piped, each finished item is a
 * line. With --quiet or --json nothing is written; with --jsonl steps, at most every 80 ms, and items are JSON lines on stdout.
 */
export function createProgress(context: Context): Progress {
  const { world, globals } = context;
  if (globals.jsonl) return jsonLines(context);
  if (globals.quiet || globals.json) return { update: () => {}, item: () => {}, stop: () => {} };
  if (world.stderr.isTTY !== true)
    return { update: () => {}, item: (line) => context.say(line), stop: () => {} };
  return movingLine(context);
}

function jsonLines({ world, now }: Context): Progress {
  const print = (value: unknown): void => void world.stdout.write(`${JSON.stringify(value)}\n`);
  let verb: string | undefined;
  let printedAt = 0;
  return {
    update(step) {
      const at = now().getTime();
      if (step.verb === verb && at - printedAt < REDRAW_MS) return;
      [verb, printedAt] = [step.verb, at];
      print({ progress: step });
    },
    item: (line) => print({ progress: { item: line } }),
    stop: () => {},
  };
}

function movingLine({ world, now }: Context): Progress {
  let shown: { step: Step; beganAt: number } | undefined;
  let drawnAt = 0;
  let timer: ReturnType<typeof setInterval> | undefined;
  const draw = (): void => {
    if (!shown) return;
    drawnAt = now().getTime();
    const line = renderStep(shown.step, drawnAt - shown.beganAt);
    world.stderr.write(CLEAR + Bun.sliceAnsi(line, 0, (world.stderr.columns || 80) - 1));
  };
  return {
    update(step) {
      const at = now().getTime();
      const isNew = shown?.step.verb !== step.verb;
      shown = { step, beganAt: isNew || !shown ? at : shown.beganAt };
      if (isNew || at - drawnAt >= REDRAW_MS) draw();
      // Shows what came within the last 80 ms, and that time goes by where nothing else does.
      timer ??= setInterval(draw, TICK_MS).unref();
    },
    item: () => {},
    stop() {
      clearInterval(timer);
      if (shown) world.stderr.write(CLEAR);
      shown = timer = undefined;
    },
  };
}

/** `Downloading  3 of 8 files  1.2 MB of 4 MB  600 kB/s`, `Resolving 120 packages`. */
export function renderStep(step: Step, elapsedMs: number): string {
  const { packages } = step;
  const parts = [
    packages === undefined ? step.verb : `${step.verb} ${renderCount(packages, "package")}`,
  ];
  const { doneBytes, totalBytes, doneFiles, totalFiles } = step;
  if (doneFiles !== undefined)
    parts.push(
      totalFiles === undefined
        ? renderCount(doneFiles, "file")
        : `${renderNumber(doneFiles)} of ${renderCount(totalFiles, "file")}`,
    );
  if (doneBytes !== undefined)
    parts.push(
      totalBytes === undefined
        ? renderBytes(doneBytes)
        : `${renderBytes(doneBytes)} of ${renderBytes(totalBytes)}`,
    );
  if (doneBytes !== undefined && doneBytes > 0 && elapsedMs >= 500)
    parts.push(`${renderBytes(Math.round((doneBytes * 1000) / elapsedMs))}/s`);
  if (elapsedMs >= LONG_MS) parts.push(`${Math.floor(elapsedMs / 1000)} s`);
  return parts.join("  ");
}
