import { fail, LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { listInstalled } from "#install/list.ts";

import { defineCommand } from "./command.ts";
import { changeArgs } from "./install-args.ts";
import { install } from "./installing.ts";
import { findNearest } from "./nearest.ts";

/** Takes requirements out of the manifest, and out of the tree what nothing needs any more. */
export default defineCommand({
  examples: ["land remove left", "land remove left @ada/greet --dry-run"],
  args: {
    packages: { type: "many", name: "package", about: "Names of packages" },
    ...changeArgs,
  },
  async run(context, { packages, ...flags }) {
    try {
      return await install(context, { kind: "remove", names: packages }, flags);
    } catch (error) {
      if (!(error instanceof LandError) || error.code !== "not_found") throw error;
      throw (await notRequired(context.cwd, packages)) ?? error;
    }
  },
});

/** The error that tells which name was meant, or that something else needs the package. */
async function notRequired(dir: string, typed: readonly string[]): Promise<LandError | undefined> {
  const { roots, packages } = await listInstalled(dir);
  const asked = new Set(roots.flatMap(({ requirements }) => requirements.map(({ name }) => name)));
  const name = typed.find((one) => !asked.has(one));
  if (name === undefined) return undefined;
  const nearest = findNearest(name, [...asked]);
  const hint = packages.some((item) => item.name === name)
    ? `Other packages need it: see them with \`land why ${name}\``
    : nearest === undefined
      ? "See what it asks for with `land list --depth 0`"
      : `Did you mean \`land remove ${printable(nearest)}\`?`;
  return fail("not_required", { name: printable(name), hint });
}
