import { defineCommand } from "./command.ts";
import { install } from "./installing.ts";

/** Makes the tree what the manifest and the lock say. */
export default defineCommand({
  more: `Solves what the manifest asks for, keeps the versions that land.lock names, and writes land.lock. Nothing of a package
is run. With --frozen, which CI=true implies, land.lock must be there and fit, and stays as it is.`,
  examples: ["land install", "land install --frozen # exactly what land.lock says"],
  args: {
    frozen: { type: "boolean", about: "Fail where land.lock does not fit the manifest" },
    offline: { type: "boolean", about: "Ask no registry; fail where something is not stored yet" },
  },
  run: (context, { frozen, offline }) =>
    install(context, { kind: "install" }, { frozen: frozen || context.ci, offline }),
});
