import { fail, LandError } from "#base/errors.ts";
import { type PackageName, printable } from "#base/names.ts";
import type { Remote } from "#remote/client.ts";

import { defineCommand } from "./command.ts";
import { connect } from "./connect.ts";
import { tellNearest } from "./nearest-package.ts";
import {
  type PackageExtras,
  renderPackage,
  renderVersion,
  renderVersions,
} from "./render-package.ts";
import { parseSpec } from "./spec.ts";

/** Days of the downloads that are drawn. */
const DAYS = 30;
/** Packages that need it: what is shown, and one more to know whether there are others. */
const DEPENDENTS = 6;

/** Shows what the registry knows of a package or one of its versions. */
export default defineCommand({
  more: "With --json it is what the registry tells: of a package all versions, tags and owners.",
  examples: [
    "land info left",
    "land info left@1.2.3",
    "land info left versions",
    "land info left@beta --json",
  ],
  args: {
    package: { type: "one", about: "Name of a package, or name@version, name@tag, name@range" },
    part: {
      type: "optional",
      name: "versions",
      about: "The word `versions`: all of them, each in a line",
    },
  },
  async run(context, args) {
    const { name, wanted } = parseSpec(args.package);
    if (args.part !== undefined && args.part !== "versions")
      throw fail("usage", {
        problem: `Cannot show "${printable(args.part)}" of a package`,
        hint: `Leave it out, or write \`land info ${name} versions\``,
      });
    const { remote } = await connect(context);
    return tellNearest(context, async () => {
      if (wanted !== undefined) {
        const version = await remote.readVersion(name, wanted);
        return { value: version, text: renderVersion(version, context.style) };
      }
      const found = await remote.readPackage(name);
      if (args.part === "versions")
        return { value: found.versions, text: renderVersions(found, context.style) };
      const extras = context.json ? {} : await readExtras(remote, name);
      return { value: found, text: renderPackage(found, extras, context.style) };
    });
  },
});

/** What is good to know and no reason to fail: a registry may not tell it. */
async function readExtras(remote: Remote, name: PackageName): Promise<PackageExtras> {
  const [downloads, dependents] = await Promise.all([
    remote.readDownloads(name, DAYS).catch(ifNotTold),
    remote.listDependents(name, DEPENDENTS).catch(ifNotTold),
  ]);
  return { downloads, dependents };
}

function ifNotTold(error: unknown): undefined {
  if (!(error instanceof LandError) || error.code === "cancelled") throw error;
}
