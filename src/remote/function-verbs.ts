import { FunctionsInfo } from "#runtime/model.ts";

import type { Exchange } from "./exchange.ts";

/** What a registry does for the programs of sites. */
export type FunctionVerbs = {
  /** Starts the live program where it does not run, and tells how that came out. */
  startProgram: (site: string) => Promise<FunctionsInfo>;
};

/** The verbs of programs over one exchange. */
export function functionVerbs({ ask }: Exchange): FunctionVerbs {
  return {
    startProgram: (site) =>
      ask(FunctionsInfo, {
        method: "POST",
        path: `/sites/${encodeURIComponent(site)}/functions/start`,
        repeatable: true,
      }),
  };
}
