/** What of a process the bound of its heap needs. */
export type Starting = {
  binary: string;
  argv: readonly string[];
  env: Record<string, string | undefined>;
  /** Puts a program in place of this one, in the same process, or throws. Undefined where it runs from source, or the system cannot. */
  become: ((binary: string, argv: string[], env: Record<string, string>) => never) | undefined;
};

/** How JavaScriptCore is told the memory of the machine, in bytes; read before the first line of a program. */
const NAME = "BUN_JSC_forceRAMSize";

/**
 * The more memory the engine believes in, the more garbage it lets lie: up to a fourth of it a heap doubles before it is collected
 * whole. With this it does so up to 40 MB, grows by half up to 80 MB and by a fourth above. It is no limit.
 */
const BELIEVED_BYTES = 160 * 1024 * 1024;

/**
 * Starts the program anew, as the same process, with a heap that holds less garbage: for servers, which live long. Returns in the
 * program that was started so, where the operator said otherwise, and where that cannot be done.
 */
export function boundHeap({ binary, argv, env, become }: Starting): void {
  const believed = String(BELIEVED_BYTES);
  if (env[NAME] === believed) {
    // It is for this program, not for those that it starts.
    delete env[NAME];
    return;
  }
  if (env[NAME] !== undefined || become === undefined) return;
  const given = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  try {
    become(binary, [binary, ...argv], { ...Object.fromEntries(given), [NAME]: believed });
  } catch {
    // The binary was replaced meanwhile, or may not be started: then with a larger heap.
  }
}
