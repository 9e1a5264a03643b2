import { resolve } from "node:path";

import { fail } from "#base/errors.ts";
import { rotateKey } from "#server/rotate.ts";

import { defineCommand } from "./command.ts";
import { renderCount } from "./render.ts";

/** Makes a new key for variables and secrets of sites. */
export const rotate = defineCommand({
  more: `Seals all variables and secrets of all sites with a new key of the file env.key. The server must not run. Older keys
stay in the file, so that backups can still be opened; take them out by hand where that is not wanted.`,
  examples: ["land admin rotate-key --data /srv/land"],
  args: { data: { type: "text", value: "DIR", about: "Data folder (default: ./land-data)" } },
  async run(context, args) {
    const { world, env, cwd } = context;
    const data = resolve(cwd, args.data ?? "land-data");
    if (!(await Bun.file(resolve(data, "land.db")).exists()))
      throw fail("usage", {
        problem: `Cannot find a data folder at "${data}"`,
        hint: "Name it with --data",
      });
    const { key, sealed } = await rotateKey({
      data,
      flags: {},
      env,
      now: world.now,
      random: world.random,
      writeLog: (line) => void world.stderr.write(line),
    });
    context.say(`${renderCount(sealed, "value")} sealed with the new key ${key}`);
    return { value: { key, sealed } };
  },
});
