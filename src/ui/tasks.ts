import { toLandError, toProblem } from "#base/errors.ts";

import type { Act } from "./acts.ts";
import type { Invoke, Told, UiProblem } from "./model.ts";

/** An act that was begun. */
export type Task = {
  id: string;
  act: Act;
  startedAt: Date;
  /** What it does now, in words. */
  step: string;
  state: "running" | "done" | "failed" | "cancelled";
  /** What its commands left, one after the other. */
  told: readonly { argv: readonly string[]; told: Told }[];
  cancel: () => void;
};

/** The acts of one run of `land ui`. */
export type Tasks = {
  start: (act: Act) => Task;
  find: (id: string) => Task | undefined;
  /** The newest first. */
  list: () => readonly Task[];
  /** Calls `listener` after each change of a task, until the returned function is called. */
  watch: (id: string, listener: () => void) => () => void;
  /** Cancels what runs and waits for its end. */
  stop: () => Promise<void>;
};

/** Tasks that are remembered. */
const MAX_TASKS = 100;

/** Makes the list of acts. Acts of one project wait for each other by land's own locks. */
export function createTasks(
  invoke: Invoke,
  about: { landHome: string; now: () => Date; random: (bytes: number) => Uint8Array },
): Tasks {
  const tasks = new Map<string, Task>();
  const listeners = new Map<string, Set<() => void>>();
  const running = new Set<Promise<void>>();
  const changed = (id: string): void => {
    for (const listener of listeners.get(id) ?? []) listener();
  };

  return {
    start(act) {
      const controller = new AbortController();
      const task: Task = {
        id: Buffer.from(about.random(9)).toString("base64url"),
        act,
        startedAt: about.now(),
        step: "",
        state: "running",
        told: [],
        cancel: () => controller.abort(),
      };
      tasks.set(task.id, task);
      for (const [id, old] of tasks)
        if (tasks.size > MAX_TASKS && old.state !== "running") tasks.delete(id);
      const onStep = (step: string): void => {
        task.step = step;
        changed(task.id);
      };
      const work = run(invoke, task, about.landHome, controller.signal, onStep).finally(() => {
        running.delete(work);
        changed(task.id);
      });
      running.add(work);
      return task;
    },
    find: (id) => tasks.get(id),
    list: () => [...tasks.values()].toReversed(),
    watch(id, listener) {
      const own = listeners.get(id) ?? new Set();
      listeners.set(id, own.add(listener));
      return () => void own.delete(listener);
    },
    async stop() {
      for (const task of tasks.values()) task.cancel();
      await Promise.all(running);
    },
  };
}

async function run(
  invoke: Invoke,
  task: Task,
  landHome: string,
  signal: AbortSignal,
  onStep: (step: string) => void,
): Promise<void> {
  for (const argv of task.act.commands) {
    const cwd = task.act.dir ?? landHome;
    const told = await invoke(argv, { cwd, signal, onStep }).catch((thrown: unknown): Told => ({
      ok: false,
      problem: problemOf(thrown),
    }));
    task.told = [...task.told, { argv, told }];
    if (told.ok) continue;
    task.state = signal.aborted ? "cancelled" : "failed";
    return;
  }
  task.state = "done";
}

function problemOf(thrown: unknown): UiProblem {
  const { code, detail, hint } = toProblem(toLandError(thrown));
  return { code, detail, ...(hint !== undefined && { hint }) };
}
