import type { Act } from "./acts.ts";
import { problemOf } from "./look.ts";
import type { Invoke, Told, UiStep } from "./model.ts";

/** An act that was begun. */
export type Task = {
  id: string;
  act: Act;
  startedAt: Date;
  endedAt: Date | undefined;
  /** What it does now; undefined before the first step. */
  step: UiStep | undefined;
  /** What it has done one after the other, in words; the first ones where there are many. */
  items: readonly string[];
  /** `bad`: it ran, and what it tells is not good. */
  state: "running" | "done" | "bad" | "failed" | "cancelled";
  /** What its command left; undefined while it runs. */
  told: Told | undefined;
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
const MAX_ITEMS = 1000;

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
        endedAt: undefined,
        step: undefined,
        items: [],
        state: "running",
        told: undefined,
        cancel: () => controller.abort(),
      };
      tasks.set(task.id, task);
      forgetOldest(tasks);
      const onStep = (step: UiStep): void => {
        if (!step.isItem) task.step = step;
        else if (task.items.length < MAX_ITEMS) task.items = [...task.items, step.text];
        changed(task.id);
      };
      const cwd = act.dir ?? about.landHome;
      const work = run(invoke, task, { cwd, signal: controller.signal, onStep }).finally(() => {
        task.endedAt = about.now();
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
      return () => {
        own.delete(listener);
        if (own.size === 0) listeners.delete(id);
      };
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
  about: { cwd: string; signal: AbortSignal; onStep: (step: UiStep) => void },
): Promise<void> {
  const told = await invoke(task.act.argv, about).catch((thrown: unknown): Told => ({
    ok: false,
    problem: problemOf(thrown),
    warnings: [],
  }));
  task.told = told;
  if (told.ok) task.state = told.isGood ? "done" : "bad";
  else task.state = about.signal.aborted ? "cancelled" : "failed";
}

function forgetOldest(tasks: Map<string, Task>): void {
  for (const [id, { state }] of tasks)
    if (tasks.size > MAX_TASKS && state !== "running") tasks.delete(id);
}
