import { printable } from "#base/names.ts";
import type { Domain } from "#sites/model.ts";

import { askToGoOn } from "./ask.ts";
import { defineCommand } from "./command.ts";
import { connect } from "./connect.ts";
import { renderTable, shorten } from "./render.ts";
import { settleSite, siteArgs } from "./site.ts";

const host = { type: "one", about: "The domain, as in www.example.com" } as const;

/** Lists the domains of a site. */
export const list = defineCommand({
  examples: ["land domains list --site blog"],
  args: siteArgs,
  async run(context, args) {
    const site = await settleSite(context, args.site);
    const { remote } = await connect(context);
    const items = await remote.listDomains(site);
    if (items.length === 0) context.say(`${site} has no domain of its own`);
    const rows = items.map((domain) => [
      context.style.bold(shorten(domain.host, 80)),
      domain.state,
      domain.certificate === "none" ? "" : `certificate ${domain.certificate}`,
      shorten(domain.problem ?? "", 100),
    ]);
    return { value: { items }, text: renderTable(rows) };
  },
});

/** Claims a domain and tells how to prove it. */
export const add = defineCommand({
  more: `Prints the two records to set: a TXT record that proves that the domain is yours, and a CNAME that leads visitors here. A
domain with no name before it (example.com) can have no CNAME: give it A and AAAA records with the server's addresses.`,
  examples: ["land domains add www.example.com --site blog"],
  args: { ...siteArgs, host },
  async run(context, args) {
    const site = await settleSite(context, args.site);
    const { remote } = await connect(context);
    const domain = await remote.addDomain(site, args.host);
    return { value: domain, text: renderClaim(domain, site) };
  },
});

/** Plain enough to copy into the form of any DNS provider. */
function renderClaim(domain: Domain, site: string): string {
  const name = printable(domain.host);
  if (domain.state === "verified") return `${name} is proven, and leads to ${site}`;
  const target = printable(domain.target);
  return [
    `Set these two records where the DNS of ${name} is kept:`,
    "",
    renderRecord("TXT", printable(domain.record), printable(domain.value)),
    "",
    renderRecord("CNAME", name, target),
    "",
    `Where ${name} can have no CNAME, give it A and AAAA records with the addresses of ${target}.`,
    `Then run \`land domains verify ${name} --site ${site}\`; a new record may take some minutes to be seen`,
  ].join("\n");
}

function renderRecord(type: string, name: string, value: string): string {
  return renderTable([
    ["  type", type],
    ["  name", name],
    ["  value", value],
  ]);
}

/** Has the proof of a domain checked now. */
export const verify = defineCommand({
  examples: ["land domains verify www.example.com --site blog"],
  args: { ...siteArgs, host },
  async run(context, args) {
    const site = await settleSite(context, args.site);
    const { remote } = await connect(context);
    const domain = await remote.verifyDomain(site, args.host);
    if (domain.state !== "verified")
      return { value: domain, text: renderClaim(domain, site), exitCode: 1 };
    context.say(`${printable(domain.host)} is proven, and leads to ${site}`);
    return { value: domain, text: printable(domain.url) };
  },
});

/** Takes a domain from a site. */
export const remove = defineCommand({
  more: "Visitors of the domain get an error from then on. Take its DNS records away, too. Without a terminal it needs --yes.",
  examples: ["land domains remove www.example.com --site blog --yes"],
  args: { ...siteArgs, host },
  async run(context, args) {
    const site = await settleSite(context, args.site);
    const name = printable(args.host);
    await askToGoOn(context, {
      what: "whether to remove the domain",
      message: `Take ${name} from ${site}?`,
      initial: false,
    });
    const { remote } = await connect(context);
    await remote.removeDomain(site, args.host);
    context.say(`${name} leads to ${site} no more`);
    return { value: { site, host: args.host } };
  },
});
