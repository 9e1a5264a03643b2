import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";

import { defineCommand } from "./command.ts";
import type { Context } from "./context.ts";
import { globalFlag } from "./global-flag.ts";
import { notingIdle } from "./idle.ts";
import { changeArgs, resolutionArg } from "./install-args.ts";
import { install, type InstallFlags } from "./installing.ts";
import { parseSpec } from "./spec.ts";

/** Makes the tree what the manifest and the lock say; with -g, installs packages for the user. */
export default defineCommand({
  more: `Solves what the manifest asks for, keeps the versions that land.lock names, and writes land.lock. Nothing of a package
is run. With --frozen, which CI=true implies, land.lock must be there and fit, and stays as it is.
With -g, each package gets a tree of its own below LAND_HOME, and its commands are linked in LAND_HOME/bin.`,
  examples: [
    "land install",
    "land install --frozen # exactly what land.lock says",
    "land install -g @ada/greet # the commands of @ada/greet, for you",
  ],
  args: {
    packages: {
      type: "any",
      name: "package",
      about: "With -g: packages to install, as name, name@range or name@tag",
    },
    global: globalFlag,
    frozen: { type: "boolean", about: "Fail where land.lock does not fit the manifest" },
    resolution: resolutionArg,
    dryRun: changeArgs.dryRun,
    offline: { type: "boolean", about: "Ask no registry; fail where something is not stored yet" },
  },
  async run(context, { packages, global, frozen, ...flags }) {
    if (global) return installForUser(context, packages, { frozen, ...flags });
    const [first] = packages;
    if (first !== undefined)
      throw fail("usage", {
        problem: `Cannot install "${printable(first)}" so: without -g, land.json says what is installed`,
        hint: `Use \`land add ${printable(first)}\`, or \`land install -g ${printable(first)}\` for its commands`,
      });
    const inFull = { frozen: frozen || context.ci, ...flags };
    const run = (noted: Context) => install(noted, { kind: "install" }, inFull);
    return notingIdle(context, run, { writesLock: !inFull.frozen && !inFull.dryRun });
  },
});

async function installForUser(
  context: Context,
  packages: readonly string[],
  { frozen, ...flags }: InstallFlags,
) {
  if (frozen)
    throw fail("usage", {
      problem: "Cannot use --frozen with -g: there is no lock file to hold to",
    });
  if (packages.length === 0)
    throw fail("usage", {
      problem: "Cannot install with -g alone: name the packages",
      hint: "As in `land install -g @ada/greet`; `land update -g` updates those that are there",
    });
  for (const text of packages) refuseFolder(text);
  const requests = packages.map((text) => {
    const { name, wanted } = parseSpec(text);
    return { name, exact: false, ...(wanted !== undefined && { range: wanted }) };
  });
  const [{ changeGlobals }, { installGlobals }] = await Promise.all([
    import("./global-packages.ts"),
    import("#install/global.ts"),
  ]);
  return changeGlobals(context, flags, (options) => installGlobals(options, requests));
}

/** Other package managers take a folder here. @throws usage */
function refuseFolder(text: string): void {
  if (!/^(?:[.~]|[\\/]|[A-Za-z]:[\\/])/.test(text)) return;
  throw fail("usage", {
    problem: `Cannot install "${printable(text)}" with -g: it is a folder, not a package of a registry`,
    hint: "Publish it with `land publish`, or run a file of it with `land run`",
  });
}
