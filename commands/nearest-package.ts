import { fail, LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";

import { connect } from "./connect.ts";
import type { Context } from "./context.ts";

/** Names that are told at most. */
const SHOWN = 3;

/** Does `work`; where the registry has no such package, the error that comes out tells the nearest names it has. */
export async function tellNearest<T>(context: Context, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const name = error instanceof LandError ? error.data?.["name"] : undefined;
    if (!(error instanceof LandError) || error.code !== "package_not_found") throw error;
    if (typeof name !== "string") throw error;
    const nearest = await namesNear(context, name);
    throw nearest.length === 0
      ? error
      : fail("package_not_found", { name, nearest }, { cause: error });
  }
}

/** What the search finds, which forgives typos. Whatever goes wrong with it, the first error is the one to tell. */
async function namesNear(context: Context, name: string): Promise<string[]> {
  try {
    const { remote } = await connect(context);
    const { items } = await remote.search({ q: name, limit: String(SHOWN) });
    return items.map((item) => printable(item.name)).filter((found) => found !== name);
  } catch {
    return [];
  }
}
