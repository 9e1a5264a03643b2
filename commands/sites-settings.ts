import { fail } from "#base/errors.ts";
import { printable, type SiteName } from "#base/names.ts";
import type { SiteChanges } from "#sites/model.ts";

import { defineCommand, type Outcome } from "./command.ts";
import { connect } from "./connect.ts";
import type { Context } from "./context.ts";
import { settleNewPassword } from "./password.ts";
import { placedSiteArgs, settlePlacedSite } from "./site.ts";

/** Sets who may see a site. */
export const protect = defineCommand({
  more: `Without a flag it asks for a password that visitors must know; who had given an old one must give the new one. With --members
only who has an account on the server gets in.`,
  examples: [
    "land sites protect blog # asks for the password",
    "land sites protect blog --password-stdin < password.txt",
    "land sites protect blog --members",
  ],
  args: {
    ...placedSiteArgs,
    passwordStdin: { type: "boolean", about: "Read the password from stdin" },
    members: { type: "boolean", about: "Let in who has an account on the server" },
    off: { type: "boolean", about: "Let everybody in, as `land sites unprotect` does" },
  },
  async run(context, args) {
    const given = [args.passwordStdin, args.members, args.off].filter(Boolean).length;
    if (given > 1)
      throw fail("usage", {
        problem: "Cannot use more than one of --password-stdin, --members and --off",
      });
    const site = await settlePlacedSite(context, args);
    if (args.off) return change(context, site, { protection: "none" }, "is open to everybody");
    if (args.members)
      return change(context, site, { protection: "members" }, "is for those with an account");
    const password = await settleNewPassword(context, args.passwordStdin);
    return change(context, site, { protection: "password", password }, "asks for the password");
  },
});

/** Lets everybody see a site. */
export const unprotect = defineCommand({
  examples: ["land sites unprotect blog"],
  args: placedSiteArgs,
  async run(context, args) {
    const site = await settlePlacedSite(context, args);
    return change(context, site, { protection: "none" }, "is open to everybody");
  },
});

/** Turns the maintenance page on or off. */
export const maintenance = defineCommand({
  more: "Visitors get a page that says so, with status 503; deploys go on as ever.",
  examples: ["land sites maintenance blog", "land sites maintenance blog --off"],
  args: { ...placedSiteArgs, off: { type: "boolean", about: "Show the site again" } },
  async run(context, args) {
    const site = await settlePlacedSite(context, args);
    const words = args.off ? "is shown again" : "says that it is being worked on";
    return change(context, site, { maintenance: !args.off }, words);
  },
});

/** Says whether deploy keys may change the program of a site. */
export const keyPrograms = defineCommand({
  more: `A program reads the secrets of its site, so a key that may only deploy changes files alone unless an owner says so here. It
says so for keys that are there already, too.`,
  examples: ["land sites key-programs blog", "land sites key-programs blog --off"],
  args: { ...placedSiteArgs, off: { type: "boolean", about: "Let them change files alone" } },
  async run(context, args) {
    const name = await settlePlacedSite(context, args);
    const { remote } = await connect(context);
    const site = await remote.updateSite(name, { keyPrograms: !args.off });
    const may = site.keyPrograms ? "may change the program, too" : "change files alone";
    context.say(`Deploy keys of ${name} ${may}`);
    return { value: { site: name, keyPrograms: site.keyPrograms }, text: printable(site.url) };
  },
});

async function change(
  context: Context,
  name: SiteName,
  changes: SiteChanges,
  words: string,
): Promise<Outcome> {
  const { remote } = await connect(context);
  const { protection, maintenance: isOff, url } = await remote.updateSite(name, changes);
  context.say(`${name} ${words}`);
  return { value: { site: name, protection, maintenance: isOff }, text: printable(url) };
}
