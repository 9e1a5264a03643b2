import { fail } from "#base/errors.ts";

import { defineCommand } from "./command.ts";
import { globalFlag } from "./global-flag.ts";
import { changeArgs } from "./install-args.ts";
import { install } from "./installing.ts";
import { explainNotThere, notInstalled } from "./not-there.ts";
import { parseNames } from "./spec.ts";
import { askUpdates } from "./update-choice.ts";

/** Moves packages to newer versions. */
export default defineCommand({
  more: `Without names it is about all packages, also those that only others ask for. With --latest the ranges of the manifest are
rewritten where the newest version is past them, as they were written: \`~\` stays \`~\`, exact stays exact. Where not all can
be at their newest together, each is as new as it can be with the others, and what stayed behind is told, with the reason.
It fails only where what was named cannot move at all.`,
  examples: [
    "land update",
    "land update left --latest",
    "land update --interactive # choose at the terminal",
    "land update -g # what is installed for you",
    "land update --dry-run --json",
  ],
  args: {
    packages: { type: "any", name: "package", about: "Names of packages; without any, all" },
    latest: { type: "boolean", short: "L", about: "Also past what the manifest allows" },
    interactive: { type: "boolean", short: "i", about: "Choose at the terminal" },
    global: globalFlag,
    ...changeArgs,
  },
  async run(context, { packages, latest, interactive, global, ...flags }) {
    const names = parseNames(packages, global ? "land install -g" : "land add");
    if (global) {
      if (interactive) throw fail("usage", { problem: "Cannot choose with -g: name the packages" });
      return (await import("./global-packages.ts")).updateForUser(context, names, latest, flags);
    }
    if (!interactive)
      return explainNotThere(
        context.cwd,
        () => install(context, { kind: "update", names, latest }, flags),
        (installed) => notInstalled(installed, names, "land update"),
      );
    const chosen = await askUpdates(context, names);
    if (chosen.names.length === 0) {
      context.say("All packages are up to date");
      return undefined;
    }
    const past = chosen.latest.length > 0 && chosen.latest;
    return install(context, { kind: "update", names: chosen.names, latest: past }, flags);
  },
});
