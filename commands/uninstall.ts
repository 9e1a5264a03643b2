import { defineCommand } from "./command.ts";
import { globalFlag } from "./global-flag.ts";
import { install } from "./installing.ts";

/** Takes packages away that were installed for the user; without -g it is `land remove`. */
export default defineCommand({
  more: "Without -g it does what `land remove` does.",
  examples: ["land uninstall -g @ada/greet"],
  args: {
    packages: { type: "many", name: "package", about: "Names of packages" },
    global: globalFlag,
  },
  async run(context, { packages, global }) {
    if (!global) {
      context.say("Without -g this is `land remove`");
      return install(context, { kind: "remove", names: packages });
    }
    const [{ changeGlobals }, { removeGlobals }] = await Promise.all([
      import("./global-packages.ts"),
      import("#install/global.ts"),
    ]);
    return changeGlobals(context, {}, (options) => removeGlobals(options, packages));
  },
});
