import type { LayReply, LayRequest, SharedLayout } from "./lay-thread.ts";
import { readLayout } from "./layout-file.ts";
import { layByLayout } from "./layout-lay.ts";
import { openSystemCalls } from "./quick-files.ts";

/** The thread behind `startLayThread`. */
declare const self: Worker;

const calls = openSystemCalls();
let layout: SharedLayout | undefined;

self.addEventListener("message", ({ data }: MessageEvent<LayRequest>) => {
  if ("path" in data) {
    const kept = readLayout(data.path);
    const state = new Int32Array(new SharedArrayBuffer(4 * (1 + (kept?.packages.length ?? 0))));
    layout = kept && { ...kept, state };
    tell({ layout });
  } else {
    if (calls && layout) layByLayout(calls, layout, data);
    tell("over");
  }
});

function tell(reply: LayReply): void {
  self.postMessage(reply);
}
