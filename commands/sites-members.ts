import { parseUserName, printable } from "#base/names.ts";

import { defineCommand } from "./command.ts";
import { connect } from "./connect.ts";
import { renderTable, renderTime, shorten } from "./render.ts";
import { placedSiteArgs, settlePlacedSite, settleSite, siteArgs } from "./site.ts";

/** Lists the members of a site. */
export const list = defineCommand({
  more: "Viewers look, developers deploy and set the site up, owners do everything.",
  examples: ["land sites members --site blog"],
  args: siteArgs,
  async run(context, args) {
    const site = await settleSite(context, args.site);
    const { remote } = await connect(context);
    const items = await remote.listMembers(site);
    const rows = items.map(({ user, role, addedAt }) => [
      shorten(user, 40),
      shorten(role, 12),
      `since ${renderTime(addedAt)}`,
    ]);
    return { value: { items }, text: renderTable(rows) };
  },
});

/** Adds a member, or changes the role of one. */
export const add = defineCommand({
  examples: [
    "land sites members add grace --site blog",
    "land sites members add grace --role owner --site blog",
  ],
  args: {
    ...siteArgs,
    user: { type: "one", about: "Name of the account" },
    role: {
      type: "text",
      value: "ROLE",
      about: "viewer, developer or owner (default: developer)",
      oneOf: ["viewer", "developer", "owner"],
    },
  },
  async run(context, args) {
    const user = parseUserName(args.user);
    const site = await settleSite(context, args.site);
    const { remote } = await connect(context);
    const member = await remote.putMember(site, user, args.role ?? "developer");
    context.say(`${printable(member.user)} is ${member.role} of ${site}`);
    return { value: { site, user: member.user, role: member.role } };
  },
});

/** Takes a member off a site. */
export const remove = defineCommand({
  examples: ["land sites members remove grace --site blog"],
  args: { ...siteArgs, user: { type: "one", about: "Name of the account" } },
  async run(context, args) {
    const user = parseUserName(args.user);
    const site = await settleSite(context, args.site);
    const { remote } = await connect(context);
    await remote.removeMember(site, user);
    context.say(`${user} is no member of ${site} any more`);
    return { value: { site, user } };
  },
});

/** Lists the keys of the account that are for one site. */
export const keys = defineCommand({
  more: `\`land token create --name NAME --scope deploy:SITE\` makes a key that may deploy this site and do nothing else,
\`land token revoke ID\` makes one worthless.`,
  examples: ["land sites keys blog"],
  args: placedSiteArgs,
  async run(context, args) {
    const site = await settlePlacedSite(context, args);
    const { remote } = await connect(context);
    const items = await remote.listSiteKeys(site);
    if (items.length === 0) context.say(`You have no keys for ${site} alone`);
    const rows = items.map((key) => [
      shorten(key.id, 40),
      shorten(key.name, 40),
      shorten(key.scopes.join(" "), 60),
      key.lastUsedAt === null ? "never used" : `used ${renderTime(key.lastUsedAt)}`,
      key.expiresAt === null ? "" : `ends ${renderTime(key.expiresAt)}`,
    ]);
    return { value: { items }, text: renderTable(rows) };
  },
});
