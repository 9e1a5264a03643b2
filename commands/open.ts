import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";

import { defineCommand } from "./command.ts";
import { connect } from "./connect.ts";
import { placedSiteArgs, settlePlacedSite } from "./site.ts";

/** Shows a site in the browser, and prints its address. */
export default defineCommand({
  more: "Without a terminal or a browser it prints the address alone.",
  examples: ["land open", "land open blog --deploy abcdefghij # one deploy of it"],
  args: {
    ...placedSiteArgs,
    deploy: { type: "text", value: "ID", about: "One of its deploys instead" },
  },
  async run(context, args) {
    const site = await settlePlacedSite(context, args);
    const { remote } = await connect(context);
    const { url } =
      args.deploy === undefined
        ? await remote.readSite(site)
        : await remote.readDeploy(site, args.deploy);
    // What a browser is told to open must be a web page, whoever sent the address.
    if (!/^https?:\/\/[!-~]+$/.test(url) || !URL.canParse(url))
      throw fail("bad_answer", { url: printable(url), problem: "it is no address of a web page" });
    if (context.interactive && !(await context.world.openBrowser(url)))
      context.say("No browser was found; this is the address:");
    return { value: { site, url }, text: url };
  },
});
