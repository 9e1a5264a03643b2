import { type ClientHooks, NO_HOOKS } from "#base/client-hooks.ts";

import type { Context } from "./context.ts";

/**
 * The plugins and shell hooks of the user, to be told of events. Nothing is loaded before the first event: most runs have none.
 */
export function hooksOf(context: Context): ClientHooks {
  if (!context.globals.plugins) return NO_HOOKS;
  let hooks: Promise<ClientHooks> | undefined;
  return {
    async emit(name, event) {
      hooks ??= import("./plugins.ts").then(({ loadHooks }) => loadHooks(context));
      await (await hooks).emit(name, event);
    },
  };
}
