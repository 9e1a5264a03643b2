import { version } from "#base/build-info.ts";
import { fail } from "#base/errors.ts";
import { forgetGone } from "#install/state-projects.ts";
import { stateFile } from "#install/state.ts";
import { credentialFile } from "#remote/credentials.ts";
import type { UiOptions } from "#ui/model.ts";
import { startUi } from "#ui/server.tsx";

import { defineCommand } from "./command.ts";
import { homeOf, registryOf, trustedRegistries } from "./connect.ts";
import type { Context } from "./context.ts";
import { invokeWith } from "./ui-invoke.ts";
import { type OpenedWindow, openWindow } from "./ui-window.ts";

/** Shows what the client knows, and does what its commands do, in the browser. */
export default defineCommand({
  more: `Serves pages on 127.0.0.1 to this machine alone, and opens them: as a window of its own where a Chromium is found, else in
the browser. The address it prints lets in one browser, once. Every button is a command that could be typed; the page says
which. It runs until its window is closed, Quit is pressed, or Ctrl-C; what still runs then is cancelled.`,
  examples: [
    "land ui",
    "land ui --browser # in the browser, not in a window of its own",
    "land ui --port 5270 --no-open # prints the address alone",
  ],
  args: {
    port: { type: "text", value: "PORT", about: "Port; by default a free one" },
    window: { type: "boolean", about: "In a window of its own, by Chromium, Chrome or Edge" },
    browser: { type: "boolean", about: "In the default browser" },
    open: { type: "boolean", default: true, about: "Open nothing" },
  },
  async run(context, { port, window, browser, open }) {
    if (window && browser)
      throw fail("usage", { problem: "Cannot open both: give --window or --browser" });
    const running = startUi({ ...optionsOf(context), port: parsePort(port) });
    const { promise: interrupted, resolve: interrupt } = Promise.withResolvers<void>();
    context.takeSignals(() => interrupt());
    let opened: OpenedWindow | undefined;
    try {
      const { url } = running;
      if (context.json)
        context.world.stdout.write(`${JSON.stringify({ url, port: running.port })}\n`);
      else context.world.stdout.write(`land ui is at ${url}\n`);
      if (open && (context.interactive || window || browser))
        opened = await show(context, url, { window, browser });
      await Promise.race([running.ended, interrupted, ...(opened ? [opened.closed] : [])]);
    } finally {
      await running.stop();
      await opened?.close();
    }
    return undefined;
  },
});

/** Shows the pages where they can be. The window that closes with `land ui`, where it has one. */
async function show(
  context: Context,
  url: string,
  { window, browser }: { window: boolean; browser: boolean },
): Promise<OpenedWindow | undefined> {
  const opened = browser ? undefined : await openWindow(context, url);
  if (opened) return opened;
  if (window)
    context.say("No Chromium, Chrome or Edge opened a window: open that address yourself");
  else if (!(await context.world.openBrowser(url)))
    context.say("No browser was found: open that address in one");
  return undefined;
}

function parsePort(text: string | undefined): number {
  if (text === undefined) return 0;
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw fail("usage", { problem: `Cannot use "${text}" for --port: it is no port` });
}

function optionsOf(context: Context): Omit<UiOptions, "port"> {
  const state = stateFile(homeOf(context));
  return {
    version,
    landHome: context.landHome,
    invoke: invokeWith(context),
    uid: process.getuid?.(),
    now: context.now,
    random: context.world.random,
    async projects() {
      const { projects } = await state.read();
      return projects.toSorted((a, b) => b.lastUsedAt.localeCompare(a.lastUsedAt));
    },
    async forget(dir) {
      await state.change((fresh) => {
        const gone = forgetGone({ ...fresh }).includes(dir);
        if (gone) fresh.projects = fresh.projects.filter((project) => project.dir !== dir);
      });
    },
    accounts: () => accountsOf(context),
  };
}

async function accountsOf(context: Context): ReturnType<UiOptions["accounts"]> {
  const entries = credentialFile(homeOf(context));
  const used = await registryOf(context);
  const registries = new Set([
    used,
    ...(await trustedRegistries(context)),
    ...(await entries.registries()),
  ]);
  return Promise.all(
    [...registries].map(async (registry) => ({
      registry,
      user: (await entries.read(registry))?.user,
      isDefault: registry === used,
    })),
  );
}
