import type { EgressLedger } from "#runtime/model.ts";

import { defineCommand } from "./command.ts";
import { connect } from "./connect.ts";
import { renderBytes, renderNumber, renderTable, renderTime, shorten } from "./render.ts";
import { settleSite, siteArgs } from "./site.ts";
import { parseCount } from "./spec.ts";

const hosts = {
  type: "many",
  name: "host",
  about: "Hosts: api.example.com, *.example.com, with :port where it is not that of http or https",
} as const;

/** Lists where the programs of a site talked to. */
export const list = defineCommand({
  more: "Days are UTC. A host that was refused is shown with the reason of the last time.",
  examples: ["land egress list --site blog", "land egress list --site blog --days 30"],
  args: {
    ...siteArgs,
    days: { type: "text", short: "d", value: "N", about: "How many days, 1 to 365 (default: 7)" },
  },
  async run(context, args) {
    const site = await settleSite(context, args.site);
    const days = args.days === undefined ? 7 : parseCount("--days", args.days, 365);
    const { remote } = await connect(context);
    const ledger = await remote.readEgress(site, days);
    context.say(tellAllowed(site, ledger));
    if (ledger.hosts.length === 0) context.say("They talked to nobody");
    const { style } = context;
    const rows = ledger.hosts.map((one) => [
      style.bold(shorten(one.host === "*" ? "others" : one.host, 60)),
      renderNumber(one.requests),
      `${renderBytes(one.bytesOut)} sent`,
      `${renderBytes(one.bytesIn)} got`,
      renderTime(one.lastAt),
      one.refused === 0
        ? ""
        : style.red(`${renderNumber(one.refused)} refused: ${shorten(one.problem ?? "", 100)}`),
    ]);
    return { value: ledger, text: renderTable(rows, [1, 2, 3]) };
  },
});

/** Adds hosts to those that the programs of a site may ask. */
export const allow = defineCommand({
  more: "From the first host on, programs may ask those alone. `land egress reset` allows every public host again.",
  examples: ["land egress allow api.example.com '*.example.org' --site blog"],
  args: { ...siteArgs, hosts },
  async run(context, args) {
    const site = await settleSite(context, args.site);
    const { remote } = await connect(context);
    const before = (await remote.readEgress(site, 1)).allow ?? [];
    const ledger = await remote.setEgress(site, [...before, ...args.hosts]);
    context.say(tellAllowed(site, ledger));
    return { value: { site, allow: ledger.allow } };
  },
});

/** Takes hosts from those that the programs of a site may ask. */
export const deny = defineCommand({
  more: "Takes them from the list, as they stand there. Where none is left, programs may ask nobody.",
  examples: ["land egress deny api.example.com --site blog"],
  args: { ...siteArgs, hosts },
  async run(context, args) {
    const site = await settleSite(context, args.site);
    const { remote } = await connect(context);
    const before = (await remote.readEgress(site, 1)).allow ?? [];
    const ledger = await remote.setEgress(
      site,
      before.filter((host) => !args.hosts.includes(host)),
    );
    context.say(tellAllowed(site, ledger));
    return { value: { site, allow: ledger.allow } };
  },
});

/** Lets the programs of a site ask every public host. */
export const reset = defineCommand({
  examples: ["land egress reset --site blog"],
  args: siteArgs,
  async run(context, args) {
    const site = await settleSite(context, args.site);
    const { remote } = await connect(context);
    const ledger = await remote.setEgress(site, null);
    context.say(tellAllowed(site, ledger));
    return { value: { site, allow: ledger.allow } };
  },
});

function tellAllowed(site: string, { allow: allowed }: EgressLedger): string {
  if (allowed === null) return `Programs of ${site} may ask every public host`;
  if (allowed.length === 0) return `Programs of ${site} may ask nobody`;
  return `Programs of ${site} may ask ${allowed.map((host) => shorten(host, 80)).join(", ")}`;
}
