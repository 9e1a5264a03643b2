import { printable } from "#base/names.ts";

import { defineCommand } from "./command.ts";
import { connect } from "./connect.ts";
import { settleSite, siteArgs } from "./site.ts";

/** Makes an earlier deploy live. */
export default defineCommand({
  more: `Without --deploy it goes back to the deploy that was live before. Nothing is sent and nothing is lost: the deploy that was
live stays in the list, and \`land release ID\` brings it back.`,
  examples: [
    "land rollback --site blog # to the one before",
    "land rollback --site blog --deploy abcdefghij",
  ],
  args: {
    ...siteArgs,
    deploy: { type: "text", value: "ID", about: "Deploy to show (default: the one before)" },
  },
  async run(context, args) {
    const site = await settleSite(context, args.site);
    const { remote } = await connect(context);
    const { id, url } = await remote.rollback(site, args.deploy);
    context.say(`${site} shows ${printable(id)} now`);
    return { value: { site, deploy: id, url }, text: printable(url) };
  },
});
