import { defineCommand } from "./command.ts";
import { install } from "./installing.ts";

/** Takes requirements out of the manifest, and out of the tree what nothing needs any more. */
export default defineCommand({
  examples: ["land remove left", "land remove left @ada/greet"],
  args: { packages: { type: "many", name: "package", about: "Names of packages" } },
  run: (context, { packages }) => install(context, { kind: "remove", names: packages }),
});
