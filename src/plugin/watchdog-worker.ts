import { writeSync } from "node:fs";

import { openCLibrary } from "#base/c-library.ts";

import type { WatchdogMessage } from "./watchdog.ts";

/** The thread behind `createWatchdog`. */
declare const self: Worker;

const timers = new Map<number, ReturnType<typeof setTimeout>>();

self.addEventListener("message", ({ data }: MessageEvent<WatchdogMessage>) => {
  if (data.kind === "done") {
    clearTimeout(timers.get(data.id));
    timers.delete(data.id);
    return;
  }
  timers.set(
    data.id,
    setTimeout(() => {
      writeSync(data.descriptor, data.text);
      endProcess();
    }, data.limitMs),
  );
});

/** `process.exit` in a Worker ends the Worker alone. */
function endProcess(): void {
  if (process.platform === "win32") process.kill(process.pid, "SIGKILL");
  const { _exit: end } = openCLibrary({ _exit: { args: ["i32"], returns: "void" } });
  end(1);
}
