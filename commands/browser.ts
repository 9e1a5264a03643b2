import type { Env } from "./command.ts";

/**
 * The program that shows an address in the browser, and its arguments; undefined where there is no screen. No shell reads
 * the address, so nothing in it is a command.
 */
export function browserCommand(
  url: string,
  platform: NodeJS.Platform,
  env: Env,
): string[] | undefined {
  if (platform === "darwin") return ["open", url];
  // `start` is a word of the shell, which would read `&` as the end of the address.
  if (platform === "win32") return ["rundll32", "url.dll,FileProtocolHandler", url];
  return env["DISPLAY"] || env["WAYLAND_DISPLAY"] || env["WSL_DISTRO_NAME"]
    ? ["xdg-open", url]
    : undefined;
}

const PATIENCE_MS = 1500;

/** Shows an address in the browser. False where there is none, or where it does not start. */
export async function openBrowser(
  url: string,
  platform: NodeJS.Platform,
  env: Env,
): Promise<boolean> {
  const command = browserCommand(url, platform, env);
  if (!command) return false;
  try {
    const child = Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
    child.unref();
    // Some of these programs become the browser: one that still runs has found it.
    const patience = Bun.sleep(PATIENCE_MS).then(() => 0);
    return (await Promise.race([child.exited, patience])) === 0;
  } catch {
    return false;
  }
}
