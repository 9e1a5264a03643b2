import { printable } from "#base/names.ts";
import type { CronRun } from "#runtime/model.ts";

import { defineCommand } from "./command.ts";
import { connect } from "./connect.ts";
import type { Style } from "./render.ts";
import { renderTable, renderTime, shorten } from "./render.ts";
import { settleSite, siteArgs } from "./site.ts";
import { parseCount } from "./spec.ts";

/** Lists the schedules of a site. */
export const list = defineCommand({
  more: `Times are UTC; a schedule itself is of its time zone. Schedules come with the program: see \`site.crons\` in
land.json.`,
  examples: ["land crons list --site blog"],
  args: siteArgs,
  async run(context, args) {
    const site = await settleSite(context, args.site);
    const { remote } = await connect(context);
    const items = await remote.listCrons(site);
    if (items.length === 0) context.say(`The live program of ${site} has no schedules`);
    const { style } = context;
    const rows = items.map(({ cron, timeZone, nextAt, last }) => [
      style.bold(shorten(cron, 60)),
      shorten(timeZone, 40),
      `next ${renderTime(nextAt)}`,
      last === null ? style.dim("not run yet") : `last ${renderEnd(last, style)}`,
    ]);
    return { value: { items }, text: renderTable(rows) };
  },
});

/** Lists what became of the schedules of a site. */
export const runs = defineCommand({
  more: "What a run wrote is in the log: `land logs --request` with the name that its row ends with.",
  examples: ["land crons runs --site blog", "land crons runs --site blog --limit 100"],
  args: {
    ...siteArgs,
    limit: { type: "text", value: "N", about: "How many, 1 to 100 (default: 20)" },
    cursor: { type: "text", value: "CURSOR", about: "Go on where the page before ended" },
  },
  async run(context, args) {
    const site = await settleSite(context, args.site);
    const limit = args.limit === undefined ? 20 : parseCount("--limit", args.limit, 100);
    const { remote } = await connect(context);
    const page = await remote.listCronRuns(site, {
      limit,
      ...(args.cursor !== undefined && { cursor: args.cursor }),
    });
    if (page.items.length === 0) context.say(`No schedule of ${site} has run yet`);
    if (page.next !== null) context.say(`There are more: --cursor ${printable(page.next)}`);
    const { style } = context;
    const rows = page.items.map((run) => [
      renderTime(run.startedAt),
      style.bold(shorten(run.cron, 60)),
      renderEnd(run, style),
      run.attempt === 1 ? "" : `attempt ${run.attempt}`,
      shorten(run.problem ?? "", 100),
      style.dim(shorten(run.requestId, 40)),
    ]);
    return { value: page, text: renderTable(rows) };
  },
});

/** Runs a schedule now. */
export const run = defineCommand({
  more: `Begins it and does not wait for its end: \`land crons runs\` tells that. A run out of turn is not tried again where it
fails.`,
  examples: ['land crons run "0 4 * * *" --site blog'],
  args: {
    ...siteArgs,
    cron: { type: "one", about: 'The schedule as `land crons list` shows it, as in "0 4 * * *"' },
    zone: { type: "text", value: "ZONE", about: "Its time zone, where several have that schedule" },
  },
  async run(context, args) {
    const site = await settleSite(context, args.site);
    const { remote } = await connect(context);
    const begun = await remote.runCron(site, args.cron, args.zone);
    context.say(`It runs. See what comes of it with \`land crons runs --site ${site}\``);
    return { value: begun };
  },
});

function renderEnd({ outcome, endedAt }: CronRun, style: Style): string {
  if (outcome === "running") return style.cyan("runs");
  const text = `${outcome} ${renderTime(endedAt)}`;
  return outcome === "done" ? style.green(text) : style.red(text);
}
