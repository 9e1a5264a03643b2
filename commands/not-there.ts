import { fail, LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { type Installed, listInstalled } from "#install/list.ts";

import { findNearest } from "./nearest.ts";

/** Does `work`; where it finds a package not among what is there, `explain` may tell more than its error does. */
export async function explainNotThere<T>(
  dir: string,
  work: () => Promise<T>,
  explain: (installed: Installed) => LandError | undefined,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof LandError) || error.code !== "not_found") throw error;
    const installed = await listInstalled(dir).catch(() => undefined);
    throw (installed && explain(installed)) ?? error;
  }
}

/** The error for a name that the lock does not know, with the one that was meant; undefined where it knows all. */
export function notInstalled(
  { lock }: Installed,
  names: readonly string[],
  command: string,
): LandError | undefined {
  const known = new Set<string>(lock?.packages.map((item) => item.name));
  const name = names.find((one) => !known.has(one));
  if (name === undefined) return undefined;
  const nearest = findNearest(name, [...known]);
  const hint =
    nearest === undefined
      ? "See what is with `land list`"
      : `Did you mean \`${command} ${printable(nearest)}\`?`;
  return fail("not_installed", { name: printable(name), hint });
}
