/** Whether this is the finished binary: its files lie in a file system of Bun's own. */
const compiled = import.meta.url.includes("/$bunfs/") || import.meta.url.includes("/~BUN/");

/**
 * Bun reads `bunfig.toml` and `.env` of the folder it is started in. That is a site's own: what lies there would run before anything is
 * confined. A compiled program reads neither.
 */
const NO_SETTINGS = ["--config=/dev/null", "--no-env-file"];

/** How this very program is started: compiled it is one file, from source Bun with `src/main.ts`. `binary`: a compiled one to take instead. */
export function programCommand(binary?: string): string[] {
  if (binary !== undefined) return [binary];
  if (compiled) return [process.execPath];
  return [process.execPath, ...NO_SETTINGS, `${projectFolder()}src/main.ts`];
}

/** The checkout that the program runs from, with a slash behind it; meaningless in a compiled one. */
export function projectFolder(): string {
  return new URL("../../../", import.meta.url).pathname;
}
