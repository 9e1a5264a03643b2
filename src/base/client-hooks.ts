import type { HookEvents, HookName } from "./hook-events.ts";

export type { HookEvents, HookName, HookPackage } from "./hook-events.ts";

/** All of them, in the order of the documentation. */
export const HOOK_NAMES = [
  "preInstall",
  "postInstall",
  "preUninstall",
  "postUninstall",
  "packageUpdate",
  "prePublish",
  "postPublish",
  "preDeploy",
  "postDeploy",
] as const satisfies readonly HookName[];

/** Tells plugins and shell hooks what is about to happen, or happened. */
export type ClientHooks = {
  /**
   * Ends when all have answered. @throws hook_refused for a `pre` event that one of them refuses; what goes wrong with others is
   * warned of and no more
   */
  emit: <N extends HookName>(name: N, event: HookEvents[N]) => Promise<void>;
};

/** Nobody listens. */
export const NO_HOOKS: ClientHooks = { emit: async () => undefined };
