import { defineCommand } from "./command.ts";
import { connect } from "./connect.ts";
import { parseExactSpec } from "./spec.ts";

/** Yanks a version, or takes that back. */
export default defineCommand({
  more: "A yanked version stays downloadable, and what land.lock names still installs; nothing new picks it.",
  examples: ["land yank left@1.2.3", "land yank left@1.2.3 --undo"],
  args: {
    package: { type: "one", name: "package@version", about: "The version, as in left@1.2.3" },
    undo: { type: "boolean", about: "Let it be picked again" },
  },
  async run(context, args) {
    const { name, version } = parseExactSpec(args.package);
    const { remote } = await connect(context);
    if (args.undo) await remote.unyank(name, version);
    else await remote.yank(name, version);
    context.say(`${args.undo ? "Unyanked" : "Yanked"} ${name}@${version}`);
    return { value: { name, version, yanked: !args.undo } };
  },
});
