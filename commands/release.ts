import { printable } from "#base/names.ts";

import { defineCommand } from "./command.ts";
import { connect } from "./connect.ts";
import { settleSite, siteArgs } from "./site.ts";

/** Makes a draft, or any deploy that is kept, what visitors get. */
export default defineCommand({
  more: "Nothing is sent: the deploy is on the server already. The one that was live stays in the list.",
  examples: ["land release abcdefghij --site blog # a draft goes live"],
  args: { ...siteArgs, deploy: { type: "one", about: "Id of the deploy, as in `land deploys`" } },
  async run(context, args) {
    const site = await settleSite(context, args.site);
    const { remote } = await connect(context);
    const { id, url } = await remote.rollback(site, args.deploy);
    context.say(`${site} shows ${printable(id)} now`);
    return { value: { site, deploy: id, url }, text: printable(url) };
  },
});
