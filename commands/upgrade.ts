import { releaseKeys, target, version } from "#base/build-info.ts";
import { createTransport } from "#remote/client.ts";
import { findRelease, isNewer, type ReleaseSource, upgradeBinary } from "#remote/upgrade.ts";

import { defineCommand } from "./command.ts";
import { homeOf, travelOf } from "./connect.ts";
import type { Context } from "./context.ts";
import { createProgress } from "./progress.ts";

/** Replaces the running binary by a release of the configured source. */
export default defineCommand({
  more: `Asks the source that \`land config set upgrade.source\` names, and nobody else. A release is taken only where a key
inside this land signed it; it is fetched beside the old binary, verified, tried, and put in its place in one step.`,
  examples: [
    "land upgrade --check # whether there is a newer one",
    "land upgrade",
    "land upgrade --version 0.1.0 # that one, older ones too",
  ],
  args: {
    check: { type: "boolean", about: "Only tell whether there is a newer version" },
    version: { type: "text", value: "VERSION", about: "Go to this version, also back" },
  },
  async run(context, { check, version: wanted }) {
    const source = await releaseSource(context);
    if (check) {
      const release = await findRelease(source, wanted);
      const newer = isNewer(release, version);
      const text = newer
        ? `${release.version} is out; this is ${version}. Run \`land upgrade\``
        : `${version} is the newest`;
      return { value: { version, latest: release.version, newer }, text };
    }
    const progress = createProgress(context);
    try {
      const done = await upgradeBinary({
        ...homeOf(context),
        ...source,
        binary: context.world.binary,
        target,
        ...(wanted !== undefined && { wanted }),
        onProgress: (doneBytes, totalBytes) =>
          progress.update({ verb: "Downloading", doneBytes, totalBytes }),
      });
      progress.stop();
      context.say(
        done.changed
          ? `${done.path} is land ${done.version} now (was ${done.from})`
          : `land ${done.version} is the newest`,
      );
      return { value: done };
    } finally {
      progress.stop();
    }
  },
});

/** Where releases come from, as the user configured it. @throws config_invalid */
export async function releaseSource(context: Context): Promise<ReleaseSource> {
  const config = await context.config();
  const transport = createTransport(await travelOf(context));
  return { source: config["upgrade.source"], keys: releaseKeys, version, transport };
}
