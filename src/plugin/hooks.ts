import type { ClientHooks, HookEvents, HookName } from "#base/client-hooks.ts";
import { fail } from "#base/errors.ts";

import { type Watchdog, withinLimit } from "./limit.ts";
import type { LoadedPlugin } from "./load.ts";
import { problemOf } from "./words.ts";

/** Who is told of events, and how. */
export type HooksOptions = {
  /** By name: in that order they are told. */
  plugins: readonly Pick<LoadedPlugin, "name" | "path" | "handlers">[];
  /** The shell command of an event; empty where the user has none. */
  shellOf: (name: HookName) => string;
  /** Runs a shell command. Throws an Error that says how it ended, where not well */
  runShell: <N extends HookName>(command: string, name: N, event: HookEvents[N]) => Promise<void>;
  /** How long each handler may take. */
  limitMs: number;
  signal: AbortSignal;
  watchdog?: Watchdog;
  warn: (line: string) => void;
};

/**
 * Tells of each event the handlers of all plugins, then the shell command, one after the other. Each gets a copy of its own. One of
 * a `pre` event that throws or takes too long refuses; of others that is warned of.
 */
export function createHooks(options: HooksOptions): ClientHooks {
  return {
    async emit(name, event) {
      for (const plugin of options.plugins)
        for (const handler of plugin.handlers[name])
          await tell(options, name, `the plugin "${plugin.name}"`, () =>
            withinLimit(
              `Cannot go on with ${name}: the plugin "${plugin.name}"`,
              limitOf(options, plugin),
              () => handler(structuredClone(event)),
            ),
          );
      const command = options.shellOf(name);
      if (command.trim() === "") return;
      await tell(options, name, `the hook hooks.${name}`, () =>
        options.runShell(command, name, event),
      );
    },
  };
}

function limitOf(
  { limitMs, signal, watchdog }: HooksOptions,
  { path }: Pick<LoadedPlugin, "path">,
): Parameters<typeof withinLimit>[1] {
  return { limitMs, signal, watchdog: path === undefined ? undefined : watchdog };
}

/** @throws hook_refused, cancelled */
async function tell(
  { signal, warn }: HooksOptions,
  event: HookName,
  by: string,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    signal.throwIfAborted();
    const problem = problemOf(error);
    if (event.startsWith("pre"))
      throw fail("hook_refused", { event, by, problem }, { cause: error });
    warn(`${by.replace(/^t/, "T")} failed at ${event}: ${problem}`);
  }
}
