import { parsePackageName, parseUserName } from "#base/names.ts";

import { defineCommand } from "./command.ts";
import { connect } from "./connect.ts";
import { shorten } from "./render.ts";

const name = { type: "one", name: "package", about: "Name of the package" } as const;
const user = { type: "one", about: "Name of the account or organisation" } as const;

/** Lists the owners of a package. */
export const list = defineCommand({
  examples: ["land owner list left"],
  args: { package: name },
  async run(context, args) {
    const { remote } = await connect(context);
    const items = await remote.listOwners(parsePackageName(args.package));
    return { value: { items }, text: items.map((owner) => shorten(owner.user, 60)).join("\n") };
  },
});

/** Adds an owner. */
export const add = defineCommand({
  more: "An owner may do everything with the package: publish, yank, and add or remove owners.",
  examples: ["land owner add left grace"],
  args: { package: name, user },
  async run(context, args) {
    const about = { name: parsePackageName(args.package), user: parseUserName(args.user) };
    const { remote } = await connect(context);
    await remote.addOwner(about.name, about.user);
    context.say(`${about.user} owns ${about.name} now`);
    return { value: about };
  },
});

/** Takes the rights of an owner away. */
export const remove = defineCommand({
  more: "What that account published stays. A package keeps at least one owner.",
  examples: ["land owner remove left grace"],
  args: { package: name, user },
  async run(context, args) {
    const about = { name: parsePackageName(args.package), user: parseUserName(args.user) };
    const { remote } = await connect(context);
    await remote.removeOwner(about.name, about.user);
    context.say(`${about.user} does not own ${about.name} any more`);
    return { value: about };
  },
});
