import type { LoadMessage } from "#bridge/model.ts";

import { isObject, natives } from "../natives.ts";
import { createListeners } from "./listeners.ts";
import { createModule, isClass, type ModuleHandlers, readExports } from "./module.ts";
import type { Guest, Program } from "./program.ts";

/** Why a program cannot run, in words for its author. */
class ProgramProblem extends Error {
  override readonly name = "ProgramProblem";
}

type Wanted = Pick<LoadMessage, "name" | "language">;

/** Runs the code once and finds its handlers. Rejects with what it threw, or ProgramProblem. */
export async function loadProgram(code: string, wanted: Wanted, guest: Guest): Promise<Program> {
  if (exportsSomething(code, wanted)) {
    const exported = await importCode(code, wanted, guest);
    const handlers = readExports(exported);
    if (!Object.values(handlers).some(Boolean))
      throw new ProgramProblem(
        isClass(Reflect.get(exported, "default"))
          ? "Its default export is a class: export an object that has the handlers"
          : "It exports neither fetch nor scheduled nor websocket",
      );
    return createModule(handlers, guest);
  }
  if (LISTENS.test(code)) return createModule(await runServiceWorker(code, wanted, guest), guest);
  return loadScript(code, wanted, guest);
}

/** How service workers begin; other events of `addEventListener` may be a script's own. */
const LISTENS =
  /(?:^|[^.\w$]|\b(?:self|globalThis)\s*\.\s*)addEventListener\s*\(\s*["'`](?:fetch|scheduled)["'`]/;
/** How bundles end. Reading this is much faster than reading all of the code. */
const BUNDLE_END = /(?:^|[\n;}])\s*export\s*\{[^{}]+\}\s*;?\s*(?:\/\/[^\n]*\s*)*$/;
const BUNDLE_END_LENGTH = 4096;

function exportsSomething(code: string, { language }: Wanted): boolean {
  if (!/\bexport\b/.test(code)) return false;
  if (BUNDLE_END.test(code.slice(-BUNDLE_END_LENGTH))) return true;
  return new Bun.Transpiler({ loader: language }).scan(code).exports.length > 0;
}

async function runServiceWorker(
  code: string,
  wanted: Wanted,
  guest: Guest,
): Promise<ModuleHandlers> {
  const listeners = createListeners();
  listeners.install();
  const expose = exposeEnv(guest);
  expose();
  await importCode(code, wanted, guest);
  const handlers = listeners.handlers(expose);
  if (!handlers) throw new ProgramProblem("It listens neither to fetch nor to scheduled");
  return handlers;
}

/** Service workers find variables and bindings in the global scope; each call adds those that are new. */
function exposeEnv({ env }: Guest): () => void {
  let known: object | undefined;
  return () => {
    const now = env();
    if (now === known) return;
    known = now;
    for (const name of Object.keys(now))
      if (!(name in globalThis))
        Object.defineProperty(globalThis, name, { get: () => env()[name], configurable: true });
  };
}

async function loadScript(code: string, wanted: Wanted, guest: Guest): Promise<Program> {
  const [{ hoistImports }, { createScript, SCRIPT_START, SCRIPT_END }, sync, store] =
    await Promise.all([
      import("./hoist.ts"),
      import("./script.ts"),
      import("./sync-link.ts"),
      import("./script-db.ts"),
    ]);
  const { body, imports } = hoistOrLeave(code, wanted, hoistImports);
  const whole = SCRIPT_START + body + SCRIPT_END + imports;
  const exported = await importCode(whole, wanted, guest, SCRIPT_START.length);
  const main: unknown = Reflect.get(exported, "default");
  if (typeof main !== "function") throw new ProgramProblem("It cannot be run as a script");
  const db = store.createScriptDb(sync.createSyncLink());
  return createScript((...globals) => Reflect.apply(main, undefined, globals), code, db, guest);
}

type Hoist = typeof import("./hoist.ts").hoistImports;

/** Code that the parser does not know is given to the runtime as it is, whose complaint names the line. */
function hoistOrLeave(code: string, { language }: Wanted, hoist: Hoist): ReturnType<Hoist> {
  try {
    return hoist(code, language);
  } catch {
    return { body: code, imports: "" };
  }
}

async function importCode(
  code: string,
  { name, language }: Wanted,
  guest: Guest,
  prefixColumns = 0,
): Promise<object> {
  // The name of a File, unlike the type of a Blob, makes the runtime read JavaScript as such: `a<b, c>(d)` differs.
  const url = natives.URL.createObjectURL(new File([code], `main.${language}`));
  guest.stacks.name({ url, name, prefixColumns });
  try {
    const exported: unknown = await import(url);
    return isObject(exported) ? exported : {};
  } catch (error) {
    throw explained(error);
  } finally {
    natives.URL.revokeObjectURL(url);
  }
}

/** A module that is not there is the most usual mistake, and the runtime's words name a path that nobody knows. */
function explained(error: unknown): unknown {
  const code: unknown = isObject(error) ? Reflect.get(error, "code") : undefined;
  if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND") return error;
  const specifier: unknown = isObject(error) ? Reflect.get(error, "specifier") : undefined;
  return new ProgramProblem(
    `It imports "${String(specifier)}", which is not here: bundle it with \`land deploy\`, or import only what Bun and Node.js bring`,
  );
}
