import { fail } from "#base/errors.ts";
import { parseRange } from "#base/ranges.ts";

import { defineCommand } from "./command.ts";
import { connect } from "./connect.ts";
import { parseSpec } from "./spec.ts";

/** Warns whoever picks some versions of a package, or takes that back. */
export default defineCommand({
  more: `The versions stay as they are and may still be picked; \`land yank\` keeps new installs from them. Without a range it is about
all versions.`,
  examples: [
    'land deprecate left@"<2.0.0" "Use 2.x: 1.x gets no fixes any more"',
    'land deprecate left "Use pad instead"',
    "land deprecate left --undo",
  ],
  args: {
    package: { type: "one", name: "package[@range]", about: "The versions, as in left@^1.0.0" },
    message: { type: "optional", about: "What to use instead, and why: one line" },
    undo: { type: "boolean", about: "Take the warning back" },
  },
  async run(context, args) {
    const { name, wanted } = parseSpec(args.package);
    const range = parseRange(wanted ?? "*");
    const message = args.message?.trim() ?? "";
    if (args.undo && message !== "")
      throw fail("usage", { problem: "Cannot set a message and take it back: leave one out" });
    if (!args.undo && message === "")
      throw fail("usage", {
        problem: "Cannot deprecate without a message",
        hint: `Say what to use instead: \`land deprecate ${name} "Use pad instead"\``,
      });
    const { remote } = await connect(context);
    await remote.deprecate(name, { range, message });
    const what = range === "*" ? `all versions of ${name}` : `${name}@${range}`;
    context.say(args.undo ? `Took the warning back from ${what}` : `Deprecated ${what}`);
    return { value: { name, range, message: args.undo ? null : message } };
  },
});
