import { builtAt, commit, version } from "#base/build-info.ts";

import { defineCommand } from "./command.ts";

/** Prints the version; with --json also what it was built from. */
export default defineCommand({
  examples: ["land version --json # with the commit it was built from"],
  args: {},
  async run() {
    return { value: { version, commit, builtAt: builtAt ?? null }, text: version };
  },
});
