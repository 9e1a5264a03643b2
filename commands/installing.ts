import { builtAt, commit, version as landVersion } from "#base/build-info.ts";
import { installProject } from "#install/install.ts";
import type { InstallEvent, InstallMode, InstallOptions, InstallResult } from "#install/options.ts";

import { renderChanges } from "./changes.ts";
import type { Outcome } from "./command.ts";
import { homeOf, registryOf, remoteFor, trustedRegistries } from "./connect.ts";
import type { Context } from "./context.ts";
import { hooksOf } from "./hooks.ts";
import { createProgress, type Progress } from "./progress.ts";

/** What flags may change of an install. */
export type InstallFlags = {
  frozen?: boolean;
  offline?: boolean;
  resolution?: "highest" | "lowest" | undefined;
  /** The member of a workspace that it is about. */
  workspace?: string | undefined;
  /** Tell what would change, and change nothing. */
  dryRun?: boolean;
  /** Make land.lock, and leave the tree as it is. */
  lockOnly?: boolean;
};

/**
 * Changes the tree of the project as `mode` says, with progress, and answers what changed. Fails as `installProject` does.
 */
export async function install(
  context: Context,
  mode: InstallMode,
  flags: InstallFlags = {},
): Promise<Outcome & { value: InstallResult }> {
  const began = performance.now();
  const progress = createProgress(context);
  try {
    const options = await installOptions(context, mode, flags, eventsTo(context, progress));
    const result = await installProject(options);
    progress.stop();
    const elapsedMs = flags.dryRun ? undefined : performance.now() - began;
    context.say(renderChanges(result, elapsedMs, context.style));
    return { value: result };
  } finally {
    progress.stop();
  }
}

/** What an install in the working folder needs to know, from flags, environment and configuration. @throws config_invalid, usage */
export async function installOptions(
  context: Context,
  mode: InstallMode,
  flags: InstallFlags = {},
  onEvent?: (event: InstallEvent) => void,
): Promise<InstallOptions> {
  const config = await context.config();
  return {
    ...homeOf(context),
    dir: context.cwd,
    mode,
    frozen: flags.frozen ?? false,
    offline: flags.offline ?? false,
    dryRun: flags.dryRun ?? false,
    lockOnly: flags.lockOnly ?? false,
    yes: context.globals.yes,
    registry: await registryOf(context),
    configured: await trustedRegistries(context),
    remoteFor: (registry) => remoteFor(context, registry),
    landVersion,
    landBinary: context.world.binary,
    concurrency: config["network.concurrency"],
    resolution: flags.resolution ?? "highest",
    ...(flags.workspace !== undefined && { workspace: flags.workspace }),
    hooks: hooksOf(context),
    security: {
      requireSignatures: config["security.requireSignatures"],
      checksum: config["security.checksum"],
      minimumAgeDays: config["security.minimumAge"],
    },
    link: config["storage.link"],
    cache: {
      maxBytes: config["cache.maxSize"],
      maxAgeDays: config["cache.maxAge"],
      autoPrune: config["cache.autoPrune"],
    },
    // What runs from source may solve in another way at any time.
    ...(commit !== "source" && {
      memory: {
        solver: `${commit} ${builtAt ?? ""}`,
        maxAgeSeconds: config["cache.indexSeconds"],
      },
    }),
    ...(onEvent && { onEvent }),
  };
}

/** Turns the events of an install into one moving line: what came of all archives together. */
export function eventsTo(context: Context, progress: Progress): (event: InstallEvent) => void {
  const sum = createSum();
  let doneFiles = 0;
  const tellWait = context.globals.jsonl ? progress.item : context.say;
  return (event) => {
    switch (event.kind) {
      case "wait":
        progress.stop();
        tellWait(`Waiting for ${event.what}: ${event.holder} has it`);
        break;
      case "warn":
        progress.stop();
        context.warn(event.problem);
        break;
      case "resolve":
        progress.update({ verb: "Resolving", ...(event.packages && { packages: event.packages }) });
        break;
      case "download": {
        const { name, version, receivedBytes, totalBytes } = event;
        sum.note(`${name}@${version}`, receivedBytes, totalBytes);
        progress.update({ verb: "Downloading", doneFiles, ...sum.told() });
        break;
      }
      case "stored":
        doneFiles++;
        progress.item(`Downloaded ${event.name} ${event.version}`);
        break;
      case "write":
        progress.update({ verb: "Linking", packages: event.packages });
        break;
    }
  };
}

/** All archives together. One of unknown size makes the sum unknown. */
function createSum() {
  const archives = new Map<string, number>();
  let [doneBytes, totalBytes, unknown] = [0, 0, 0];
  return {
    note(archive: string, receivedBytes: number, sizeBytes: number | undefined): void {
      const before = archives.get(archive);
      archives.set(archive, receivedBytes);
      doneBytes += receivedBytes - (before ?? 0);
      if (before !== undefined) return;
      if (sizeBytes === undefined) unknown += 1;
      else totalBytes += sizeBytes;
    },
    told: () => ({
      totalFiles: archives.size,
      doneBytes,
      ...(unknown === 0 && { totalBytes }),
    }),
  };
}
