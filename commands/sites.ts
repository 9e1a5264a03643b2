import { fail } from "#base/errors.ts";
import { parseSiteName, printable, type SiteName } from "#base/names.ts";
import type { Site } from "#sites/model.ts";

import { askText } from "./ask.ts";
import { defineCommand } from "./command.ts";
import { connect } from "./connect.ts";
import type { Context } from "./context.ts";
import { renderBytes, renderNumber, renderTable, renderTime, shorten } from "./render.ts";
import { placedSiteArgs, settleNamedSite, settlePlacedSite } from "./site.ts";

/** Lists the sites that the account is a member of. */
export const list = defineCommand({
  examples: ["land sites list", "land sites list --json"],
  args: {},
  async run(context) {
    const { remote } = await connect(context);
    const items = await remote.listSites();
    if (items.length === 0) context.say("You have no sites; `land deploy` makes one");
    const rows = items.map((site) => [
      context.style.bold(shorten(site.name, 50)),
      shorten(site.role, 12),
      site.live === null ? "empty" : `deployed ${renderTime(site.live.releasedAt)}`,
      guardOf(site),
      shorten(site.url, 100),
    ]);
    return { value: { items }, text: renderTable(rows) };
  },
});

function guardOf({ protection, maintenance }: Site): string {
  if (maintenance) return "maintenance";
  return protection === "none" ? "" : protection;
}

/** Makes an empty site. */
export const create = defineCommand({
  more: "`land deploy` makes a site by itself where there is none; this is for those who want the name first.",
  examples: ["land sites create blog"],
  args: { name: { type: "one", about: "Name of the site, the first part of its address" } },
  async run(context, args) {
    const name = parseSiteName(args.name);
    const { remote } = await connect(context);
    const site = await remote.createSite(name);
    context.say(`Made the site ${name}`);
    return { value: site, text: printable(site.url) };
  },
});

/** Shows a site and its settings. */
export const show = defineCommand({
  examples: ["land sites show blog"],
  args: placedSiteArgs,
  async run(context, args) {
    const name = await settlePlacedSite(context, args);
    const { remote } = await connect(context);
    const site = await remote.readSite(name);
    return { value: site, text: renderSite(site) };
  },
});

function renderSite(site: Site): string {
  const { live, usedBytes, quotaBytes, domains } = site;
  const visitors = {
    none: "everybody",
    password: "who knows the password",
    members: "who has an account on the server",
  }[site.protection];
  const rows = [
    ["site", site.name],
    ["address", site.url],
    ...domains.map((host) => ["domain", host]),
    ["live", live === null ? "nothing yet" : `${live.id}, since ${renderTime(live.releasedAt)}`],
    ["your role", site.role],
    ["seen by", visitors],
    ...(site.maintenance ? [["maintenance", "on: visitors get a page that says so"]] : []),
    ["disk", `${renderBytes(usedBytes)} of ${renderBytes(quotaBytes)}`],
    ["files", `at most ${renderNumber(site.quotaFiles)} in a deploy`],
    ["made", renderTime(site.createdAt)],
  ];
  return renderTable(rows.map(([label = "", value = ""]) => [label, shorten(value, 200)]));
}

/** Removes a site. */
export const remove = defineCommand({
  more: `With its deploys, domains and keys; this cannot be undone. At a terminal the name is typed once more; elsewhere name the
site and give --yes.`,
  examples: ["land sites delete blog", "land sites delete blog --yes # in a script"],
  args: placedSiteArgs,
  async run(context, args) {
    const name = await settleNamedSite(context, args);
    await confirm(context, name);
    const { remote } = await connect(context);
    await remote.deleteSite(name);
    context.say(`Removed the site ${name}`);
    return { value: { site: name } };
  },
});

async function confirm(context: Context, name: SiteName): Promise<void> {
  if (context.globals.yes) return;
  const same = (typed: string): void => {
    if (typed !== name)
      throw fail("usage", { problem: `Type ${name}, or press Ctrl-C to keep the site` });
  };
  await askText(context, {
    flag: "--yes",
    what: "whether to remove the site",
    message: `Type the name of the site to remove it for good (${name})`,
    validate: same,
  });
}
