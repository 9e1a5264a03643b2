import { defineCommand } from "./command.ts";
import { globalFlag } from "./global-flag.ts";
import { changeArgs } from "./install-args.ts";
import { removePackages } from "./remove.ts";

/** Takes packages away that were installed for the user; without -g it is `land remove`. */
export default defineCommand({
  more: "Without -g it does what `land remove` does.",
  examples: ["land uninstall -g @ada/greet", "land uninstall -g @ada/greet --dry-run"],
  args: {
    packages: { type: "many", name: "package", about: "Names of packages" },
    global: globalFlag,
    dryRun: changeArgs.dryRun,
  },
  async run(context, { packages, global, dryRun }) {
    if (!global) {
      context.say("Without -g this is `land remove`");
      return removePackages(context, packages, { dryRun });
    }
    const [{ changeGlobals }, { removeGlobals }] = await Promise.all([
      import("./global-packages.ts"),
      import("#install/global.ts"),
    ]);
    return changeGlobals(context, { dryRun }, (options) => removeGlobals(options, packages));
  },
});
