import { rm } from "node:fs/promises";
import { delimiter, join } from "node:path";

import { LandError } from "#base/errors.ts";
import { type Lock, takeLock } from "#store/lock.ts";

import type { Env } from "./command.ts";
import type { Context } from "./context.ts";

/** A window of the pages. */
export type OpenedWindow = {
  /** Resolves when it was closed. */
  closed: Promise<unknown>;
  /** Closes it and takes away what it kept. */
  close: () => Promise<void>;
};

const NAMES = [
  "chromium",
  "chromium-browser",
  "google-chrome",
  "google-chrome-stable",
  "chrome",
  "microsoft-edge",
  "microsoft-edge-stable",
  "msedge",
  "brave-browser",
];
const MAC = ["Google Chrome", "Chromium", "Microsoft Edge", "Brave Browser"];
const WINDOWS = ["Google/Chrome/Application/chrome.exe", "Microsoft/Edge/Application/msedge.exe"];
/** Where nothing is asked for, and no other window of the user is touched. */
const FLAGS = [
  "--no-first-run",
  "--no-default-browser-check",
  "--disable-sync",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-extensions",
  "--window-size=1100,820",
];
/** Windows at a time, each with a profile of its own. */
const MAX_WINDOWS = 16;
/** A browser that ends before this has not shown anything. */
const PATIENCE_MS = 1500;

/** Programs that may show an address as a window, the likeliest first. None where there is no screen. */
export function windowPrograms(platform: NodeJS.Platform, env: Env): string[] {
  if (platform === "darwin")
    return MAC.map((app) => `/Applications/${app}.app/Contents/MacOS/${app}`);
  if (platform === "win32") {
    const roots = [env["ProgramFiles"], env["ProgramFiles(x86)"], env["LOCALAPPDATA"]];
    return roots.flatMap((root) => (root ? WINDOWS.map((path) => join(root, path)) : []));
  }
  if (!env["DISPLAY"] && !env["WAYLAND_DISPLAY"]) return [];
  const folders = (env["PATH"] ?? "").split(delimiter).filter((folder) => folder.startsWith("/"));
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
}

/**
 * Shows the pages in a window of their own, with a profile below `$LAND_HOME/ui`, so that the program ends with the window. Undefined
 * where there is no such browser, where it does not start, and for root, whom browsers refuse.
 */
export async function openWindow(
  { landHome, env, now }: Pick<Context, "landHome" | "env" | "now">,
  url: string,
  uid = process.getuid?.(),
): Promise<OpenedWindow | undefined> {
  if (uid === 0) return undefined;
  const program = await findProgram(windowPrograms(process.platform, env));
  const place = program === undefined ? undefined : await takePlace(landHome, now);
  if (program === undefined || !place) return undefined;
  const clear = async (): Promise<void> => {
    await rm(place.profile, { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
    place.lock.release();
  };
  try {
    await rm(place.profile, { recursive: true, force: true });
    const argv = [program, `--app=${url}`, `--user-data-dir=${place.profile}`, ...FLAGS];
    const child = Bun.spawn(argv, { env, stdin: "ignore", stdout: "ignore", stderr: "ignore" });
    const closed = child.exited;
    const first = await Promise.race([closed, Bun.sleep(PATIENCE_MS)]);
    if (first === undefined)
      return {
        closed,
        async close() {
          child.kill();
          await closed;
          await clear();
        },
      };
  } catch {
    // It is there and cannot be started: the default browser may.
  }
  await clear();
  return undefined;
}

async function findProgram(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await Bun.file(path).exists()) return path;
  return undefined;
}

/** A profile that no other window has: a browser hands an address over to the one that uses its profile, and ends. */
async function takePlace(
  landHome: string,
  now: () => Date,
): Promise<{ profile: string; lock: Lock } | undefined> {
  for (let at = 1; at <= MAX_WINDOWS; at++) {
    const profile = join(landHome, "ui", `window-${at}`);
    try {
      const what = "the window of land ui";
      const how = { mode: "exclusive", what, command: "land ui", timeoutMs: 0, now } as const;
      return { profile, lock: await takeLock(`${profile}.lock`, how) };
    } catch (error) {
      if (!(error instanceof LandError)) throw error;
      if (error.code !== "lock_busy") return undefined;
    }
  }
  return undefined;
}
