import { version as landVersion } from "#base/build-info.ts";
import { NO_HOOKS } from "#base/client-hooks.ts";
import { installProject } from "#install/install.ts";
import type { InstallEvent, InstallMode } from "#install/options.ts";

import { renderChanges } from "./changes.ts";
import type { Outcome } from "./command.ts";
import { homeOf, registryOf, remoteFor, trustedRegistries } from "./connect.ts";
import type { Context } from "./context.ts";
import { createProgress, type Progress } from "./progress.ts";

/** Downloads at a time. */
const CONCURRENCY = 8;

/**
 * Changes the tree of the project as `mode` says, with progress, and answers what changed. Fails as `installProject` does.
 */
export async function install(
  context: Context,
  mode: InstallMode,
  options: { frozen?: boolean; offline?: boolean; resolution?: "highest" | "lowest" } = {},
): Promise<Outcome> {
  const began = performance.now();
  const progress = createProgress(context);
  try {
    const result = await installProject({
      ...homeOf(context),
      dir: context.cwd,
      mode,
      frozen: options.frozen ?? false,
      offline: options.offline ?? false,
      yes: context.globals.yes,
      registry: registryOf(context),
      configured: trustedRegistries(context),
      remoteFor: (registry) => remoteFor(context, registry),
      landVersion,
      landBinary: context.world.binary,
      concurrency: CONCURRENCY,
      resolution: options.resolution ?? "highest",
      hooks: NO_HOOKS,
      security: { requireSignatures: false, checksum: "sha256", minimumAgeDays: 0 },
      link: "auto",
      cache: { maxBytes: 5_000_000_000, maxAgeDays: 90, autoPrune: true },
      onEvent: eventsTo(context, progress),
    });
    progress.stop();
    context.say(renderChanges(result, performance.now() - began, context.style));
    return { value: result };
  } finally {
    progress.stop();
  }
}

/** Turns the events of an install into one moving line: what came of all archives together. */
function eventsTo(context: Context, progress: Progress): (event: InstallEvent) => void {
  const archives = new Map<string, { receivedBytes: number; totalBytes: number }>();
  let doneFiles = 0;
  return (event) => {
    switch (event.kind) {
      case "wait":
        progress.stop();
        context.say(`Waiting for ${event.what}: ${event.holder} has it`);
        break;
      case "resolve":
        progress.update({ verb: "Resolving" });
        break;
      case "download": {
        const { name, version, receivedBytes, totalBytes = Number.NaN } = event;
        archives.set(`${name}@${version}`, { receivedBytes, totalBytes });
        progress.update({ verb: "Downloading", doneFiles, ...sumOf([...archives.values()]) });
        break;
      }
      case "stored":
        doneFiles++;
        progress.item(`Downloaded ${event.name} ${event.version}`);
        break;
      case "write":
        progress.update({ verb: "Linking", doneFiles: event.packages });
        break;
    }
  };
}

/** All archives together. One of unknown size makes the sum unknown. */
function sumOf(archives: readonly { receivedBytes: number; totalBytes: number }[]) {
  const totalBytes = archives.reduce((sum, archive) => sum + archive.totalBytes, 0);
  return {
    totalFiles: archives.length,
    doneBytes: archives.reduce((sum, archive) => sum + archive.receivedBytes, 0),
    ...(!Number.isNaN(totalBytes) && { totalBytes }),
  };
}
