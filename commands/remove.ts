import { fail, type LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import type { Installed } from "#install/list.ts";

import { defineCommand, type Outcome } from "./command.ts";
import type { Context } from "./context.ts";
import { changeArgs } from "./install-args.ts";
import { install, type InstallFlags } from "./installing.ts";
import { findNearest } from "./nearest.ts";
import { explainNotThere } from "./not-there.ts";

/** Takes requirements out of the manifest, and out of the tree what nothing needs any more. */
export default defineCommand({
  examples: ["land remove left", "land remove left @ada/greet --dry-run"],
  args: {
    packages: { type: "many", name: "package", about: "Names of packages" },
    ...changeArgs,
  },
  run: (context, { packages, ...flags }) => removePackages(context, packages, flags),
});

/** Takes what is named out of the project. Fails as `installProject` does, with the name that was meant. */
export function removePackages(
  context: Context,
  packages: readonly string[],
  flags: InstallFlags,
): Promise<Outcome> {
  return explainNotThere(
    context.cwd,
    () => install(context, { kind: "remove", names: packages }, flags),
    (installed) => notRequired(installed, packages),
  );
}

/** The error that tells which name was meant, or who else needs the package. */
function notRequired(
  { roots, packages }: Installed,
  typed: readonly string[],
): LandError | undefined {
  const asked = new Set(roots.flatMap(({ requirements }) => requirements.map(({ name }) => name)));
  const name = typed.find((one) => !asked.has(one)) ?? typed[0];
  if (name === undefined) return undefined;
  const other = roots.find(({ requirements }) => requirements.some((own) => own.name === name));
  const nearest = findNearest(name, [...asked]);
  const hint = other
    ? `The project in "${printable(other.folder)}" asks for it: see --workspace`
    : packages.some((item) => item.name === name)
      ? `Other packages need it: see them with \`land why ${name}\``
      : nearest === undefined
        ? "See what it asks for with `land list --depth 0`"
        : `Did you mean \`land remove ${printable(nearest)}\`?`;
  return fail("not_required", { name: printable(name), hint });
}
