import { fail } from "#base/errors.ts";
import { printable, type Version } from "#base/names.ts";
import { findOutdated, jumpOf, type OutdatedPackage } from "#install/outdated.ts";

import { askMany } from "./ask.ts";
import { connect } from "./connect.ts";
import type { Context } from "./context.ts";
import { installOptions } from "./installing.ts";
import { createProgress } from "./progress.ts";
import { shorten } from "./render.ts";

/** Which packages to update; those of `latest` past what the manifest allows. */
export type UpdateChoice = { names: string[]; latest: string[] };

const WITHIN = "Within what the manifest allows";
const BEYOND = "Past it: the manifest is rewritten, as with --latest";
/** Columns that the drawing of the choices takes. */
const FRAME = 10;
const FLAG = "the names of packages, and leave out --interactive";

/**
 * Asks which packages to update, of those that are outdated and among `names` where any are given. What the manifest allows is
 * chosen to begin with, nothing else.
 *
 * @throws needs_flag without a terminal, cancelled at Ctrl-C, and what `findOutdated` throws
 */
export async function askUpdates(
  context: Context,
  names: readonly string[],
): Promise<UpdateChoice> {
  if (!context.interactive)
    throw fail("needs_flag", { flag: FLAG, what: "which packages to update" });
  const options = await installOptions(context, { kind: "install" });
  const progress = createProgress(context);
  progress.update({ verb: "Asking for versions" });
  const { packages } = await findOutdated(options, { all: names.length > 0, filter: [] }).finally(
    progress.stop,
  );
  const meant = packages.filter(({ name, jump }) =>
    names.length === 0 ? jump !== undefined : names.includes(name),
  );
  const within = meant.filter(({ current, wanted }) => wanted !== current);
  const beyond = meant.filter(({ wanted, latest, indirect }) => latest !== wanted && !indirect);
  if (within.length + beyond.length === 0) return { names: [], latest: [] };
  const homepages = await homepagesOf(context, meant);
  const nameWidth = Math.max(...meant.map(({ name }) => name.length));
  const width = (context.world.stdout.columns || 80) - FRAME;
  const option = (item: OutdatedPackage, to: Version, prefix: string) => {
    const label = shorten(labelOf(item, to, nameWidth), width);
    const hint = homepages.get(item.name) ?? "";
    // A line that is broken in two is hard to choose from.
    const fits = Bun.stringWidth(label) + hint.length + 3 <= width;
    return { value: `${prefix}${item.name}`, label, ...(fits && { hint }) };
  };
  const chosen = await askMany(context, {
    flag: FLAG,
    what: "which packages to update",
    message: "Which packages shall be updated?",
    groups: {
      [WITHIN]: within.map((item) => option(item, item.wanted, "=")),
      [BEYOND]: beyond.map((item) => option(item, item.latest, ">")),
    },
    initial: within.map(({ name }) => `=${name}`),
  });
  const latest = chosen.flatMap((value) => (value.startsWith(">") ? [value.slice(1)] : []));
  return { names: [...new Set(chosen.map((value) => value.slice(1)))], latest };
}

function labelOf(item: OutdatedPackage, to: Version, width: number): string {
  const marks = [
    jumpOf(item.current, to) ?? "",
    item.yanked ? "now yanked" : "",
    item.deprecated === undefined ? "" : `now deprecated: ${item.deprecated}`,
  ].filter((mark) => mark !== "");
  const versions = `${printable(item.current)} → ${printable(to)}`;
  return `${shorten(item.name, 40).padEnd(Math.min(40, width))}  ${versions}  ${shorten(marks.join(", "), 100)}`;
}

/** Only for the eye: a registry that does not tell them is no reason to stop. */
async function homepagesOf(
  context: Context,
  packages: readonly OutdatedPackage[],
): Promise<Map<string, string>> {
  const { remote } = await connect(context);
  const found = await Promise.all(
    packages.map(async ({ name }): Promise<[string, string][]> => {
      const about = await remote.readPackage(name).catch(() => undefined);
      const page = about?.homepage ?? about?.repository;
      return page ? [[name, shorten(page, 60)]] : [];
    }),
  );
  return new Map(found.flat());
}
