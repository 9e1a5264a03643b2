import { HOOK_NAMES, type HookEvents, type HookName } from "#base/client-hooks.ts";
import { isMap } from "#pack/json.ts";

import type { PluginApi, PluginCommand, PluginFlag } from "./api.ts";

type Lists = { [N in HookName]: ((event: HookEvents[N]) => void | Promise<void>)[] };

/** What the commands of a plugin may not be called. */
export type Taken = {
  isBuiltIn: (command: string) => boolean;
  globalFlags: readonly string[];
};

/** Takes what a plugin asks for during its setup. */
export type Registrar = {
  verbs: Pick<PluginApi, "on" | "command">;
  collected: { commands: PluginCommand[]; handlers: Lists };
  /** From now on nothing is taken any more. */
  close: () => void;
};

/** Makes one. Whatever a plugin hands over is checked here: it may be written in JavaScript. */
export function createRegistrar(
  others: readonly { name: string; commands: readonly PluginCommand[] }[],
  taken: Taken,
): Registrar {
  const collected: Registrar["collected"] = { commands: [], handlers: emptyLists() };
  let open = true;
  const requireOpen = (verb: string): void => {
    if (!open) throw new Error(`land.${verb} may be called during setup alone`);
  };
  return {
    collected,
    verbs: {
      on(name, handler) {
        requireOpen("on");
        if (!HOOK_NAMES.includes(name)) throw new Error(`there is no event "${name}"`);
        if (typeof handler !== "function")
          throw new Error(`what it does at ${name} is no function`);
        collected.handlers[name].push(handler);
      },
      command(command) {
        requireOpen("command");
        const problem = problemOfCommand(command, taken.globalFlags);
        if (problem !== undefined) throw new Error(problem);
        const { name } = command;
        if (taken.isBuiltIn(name))
          throw new Error(`it adds the command "${name}", which land has itself`);
        const owner = others.find(({ commands }) => commands.some((one) => one.name === name));
        if (owner)
          throw new Error(
            `it adds the command "${name}", which the plugin "${owner.name}" has already`,
          );
        if (collected.commands.some((one) => one.name === name))
          throw new Error(`it adds the command "${name}" twice`);
        collected.commands.push(command);
      },
    },
    close: () => void (open = false),
  };
}

/** No handlers yet, for each event. */
export function emptyLists(): Lists {
  return {
    preInstall: [],
    postInstall: [],
    preUninstall: [],
    postUninstall: [],
    packageUpdate: [],
    prePublish: [],
    postPublish: [],
    preDeploy: [],
    postDeploy: [],
  };
}

function problemOfCommand(
  command: PluginCommand,
  globalFlags: readonly string[],
): string | undefined {
  const { name, about, run, flags = {} }: Partial<PluginCommand> = command;
  if (typeof name !== "string" || !/^[a-z][a-z0-9-]{0,39}$/.test(name))
    return "a command's name is a-z, 0-9 and -, beginning with a letter, at most 40 characters";
  if (typeof about !== "string" || about === "") return `its command "${name}" has no "about"`;
  if (typeof run !== "function") return `its command "${name}" has no "run"`;
  const { more = "", examples = [], arguments: places = "" }: Partial<PluginCommand> = command;
  if (typeof more !== "string" || typeof places !== "string" || !isTexts(examples))
    return `the help of its command "${name}" is no text`;
  if (!isMap(flags)) return `the flags of its command "${name}" are no object`;
  for (const [flag, definition] of Object.entries(flags)) {
    const problem = problemOfFlag(flag, definition, globalFlags);
    if (problem !== undefined) return `the flag "${flag}" of its command "${name}" ${problem}`;
  }
  return undefined;
}

function problemOfFlag(
  name: string,
  flag: PluginFlag,
  globalFlags: readonly string[],
): string | undefined {
  if (!/^[a-z][a-z0-9-]{0,39}$/.test(name)) return "is not a-z, 0-9 and -";
  if (globalFlags.includes(name)) return "is one that every command has";
  if (!isMap(flag) || (flag.type !== "boolean" && flag.type !== "text"))
    return 'has no type, "boolean" or "text"';
  if (typeof flag.about !== "string") return 'has no "about"';
  const { short, value = "", oneOf = [] } = flag;
  if (typeof value !== "string" || !isTexts(oneOf)) return "has no texts for its values";
  if (short !== undefined && !/^[a-zA-Z]$/.test(short)) return "is not short with one letter";
  return undefined;
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
