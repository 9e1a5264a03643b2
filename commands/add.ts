import { fail } from "#base/errors.ts";
import type { AddRequest } from "#install/options.ts";

import { defineCommand } from "./command.ts";
import { changeArgs } from "./install-args.ts";
import { install } from "./installing.ts";
import { tellNearest } from "./nearest-package.ts";
import { parseSpec } from "./spec.ts";

/** Adds requirements to the manifest and installs them. */
export default defineCommand({
  more: `Without a range it writes \`^\` and the newest version that may be picked; for a member of the workspace, \`workspace:^\`.
Manifest and lock change only where all fits together.`,
  examples: [
    "land add left",
    "land add left@^1.2.0 @ada/greet@beta",
    "land add left --dev --exact",
    "land add left --dry-run # what would come?",
  ],
  args: {
    packages: { type: "many", name: "package", about: "Packages: name, name@range or name@tag" },
    dev: { type: "boolean", short: "D", about: "For working on the project only" },
    optional: { type: "boolean", about: "The project also works without it" },
    exact: { type: "boolean", short: "E", about: "Write the very version instead of `^` and it" },
    ...changeArgs,
  },
  async run(context, { packages, dev, optional, exact, ...flags }) {
    if (dev && optional)
      throw fail("usage", { problem: "Cannot add to both: give --dev or --optional" });
    const kind = dev ? "devDependencies" : optional ? "optionalDependencies" : "dependencies";
    const requests = packages.map((text): AddRequest => {
      const { name, wanted } = parseSpec(text);
      return { name, kind, exact, ...(wanted !== undefined && { range: wanted }) };
    });
    return tellNearest(context, () => install(context, { kind: "add", packages: requests }, flags));
  },
});
