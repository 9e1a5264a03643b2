import { parsePackageName, parseTag } from "#base/names.ts";
import { isRange } from "#base/ranges.ts";

import { defineCommand } from "./command.ts";
import { connect } from "./connect.ts";
import { renderTable, shorten } from "./render.ts";
import { parseExactSpec } from "./spec.ts";

const name = { type: "one", name: "package", about: "Name of the package" } as const;
const tag = { type: "one", about: "The tag, as in beta" } as const;

/** Lists the tags of a package. */
export const list = defineCommand({
  examples: ["land tag list left"],
  args: { package: name },
  async run(context, args) {
    const { remote } = await connect(context);
    const items = await remote.listTags(parsePackageName(args.package));
    if (items.length === 0) context.say("It has no tags: every version is yanked");
    const rows = items.map((item) => [
      context.style.bold(shorten(item.tag, 64)),
      shorten(item.version, 60),
    ]);
    return { value: { items }, text: renderTable(rows) };
  },
});

/** Points a tag at a version. */
export const set = defineCommand({
  more: "`land add left@beta` takes the version that the tag points at. `latest`, set by hand, stays until it is set again.",
  examples: ["land tag set left@1.3.0-rc.1 beta", "land tag set left@1.2.3 latest"],
  args: {
    package: { type: "one", name: "package@version", about: "The version, as in left@1.2.3" },
    tag,
  },
  async run(context, args) {
    const { name: owned, version } = parseExactSpec(args.package);
    const wanted = parseTag(args.tag, isRange);
    const { remote } = await connect(context);
    await remote.setTag(owned, wanted, version);
    context.say(`${owned}@${wanted} is ${version} now`);
    return { value: { name: owned, tag: wanted, version } };
  },
});

/** Removes a tag. */
export const remove = defineCommand({
  examples: ["land tag remove left beta"],
  args: { package: name, tag },
  async run(context, args) {
    const owned = parsePackageName(args.package);
    const wanted = parseTag(args.tag, isRange);
    const { remote } = await connect(context);
    await remote.removeTag(owned, wanted);
    context.say(`${owned} has no tag ${wanted} any more`);
    return { value: { name: owned, tag: wanted } };
  },
});
