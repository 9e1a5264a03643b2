import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import type { Deploy, DeployDiff } from "#sites/model.ts";

import { askToGoOn } from "./ask.ts";
import { defineCommand } from "./command.ts";
import { connect } from "./connect.ts";
import type { Context } from "./context.ts";
import {
  renderBytes,
  renderCount,
  renderNumber,
  renderTable,
  renderTime,
  shorten,
} from "./render.ts";
import { settleSite, siteArgs } from "./site.ts";
import { parseCount } from "./spec.ts";

/** Columns that are left to a message however narrow the screen is. */
const MIN_MESSAGE = 4;
const MAX_MESSAGE = 60;

/** Lists deploys of a site, newest first. */
export const list = defineCommand({
  more: "Times are UTC. The deploy that visitors get is marked `live`.",
  examples: ["land deploys --site blog", "land deploys --site blog --limit 100 --json"],
  args: {
    ...siteArgs,
    limit: { type: "text", value: "N", about: "How many to show, 1 to 100 (default: 20)" },
    cursor: { type: "text", value: "CURSOR", about: "Where the page before ended" },
  },
  async run(context, args) {
    const site = await settleSite(context, args.site);
    const { remote } = await connect(context);
    const { items, next } = await remote.listDeploys(site, {
      ...(args.limit !== undefined && { limit: parseCount("--limit", args.limit, 100) }),
      ...(args.cursor !== undefined && { cursor: args.cursor }),
    });
    if (items.length === 0) context.say(`${site} has no deploys`);
    if (next !== null) context.say(`There are more: add --cursor ${printable(next)}`);
    return { value: { items, next }, text: renderDeploys(context, items) };
  },
});

function rowOf({ style }: Context, deploy: Deploy, room: number): string[] {
  const state = stateOf(deploy);
  return [
    style.bold(shorten(deploy.id, 20)),
    state === "live" ? style.green(state) : state,
    renderTime(deploy.createdAt),
    shorten(whoOf(deploy), 40),
    renderCount(deploy.files, "file"),
    renderBytes(deploy.sizeBytes),
    shorten(deploy.message, room),
  ];
}

/** The table with as much of the messages as the screen is wide. */
function renderDeploys(context: Context, items: readonly Deploy[]): string {
  const tableWith = (room: number): string =>
    renderTable(items.map((deploy) => rowOf(context, deploy, room)));
  const { isTTY, columns } = context.world.stdout;
  if (isTTY !== true) return tableWith(MAX_MESSAGE);
  const others = Math.max(
    ...tableWith(1)
      .split("\n")
      .map((line) => Bun.stringWidth(line)),
  );
  return tableWith(Math.min(MAX_MESSAGE, Math.max(MIN_MESSAGE, (columns || 80) - others + 1)));
}

function stateOf({ live, state, draft, releasedAt }: Deploy): string {
  if (live) return "live";
  if (state === "uploading") return "unfinished";
  return draft && releasedAt === null ? "draft" : "";
}

/** The account, and the key that it was done with. */
function whoOf({ createdBy, key }: Deploy): string {
  const user = createdBy ?? "a removed account";
  return key === null ? user : `${user} (${key})`;
}

/** Shows one deploy. */
export const show = defineCommand({
  examples: ["land deploys show abcdefghij --site blog"],
  args: { ...siteArgs, deploy: { type: "one", about: "Id of the deploy" } },
  async run(context, args) {
    const site = await settleSite(context, args.site);
    const { remote } = await connect(context);
    const deploy = await remote.readDeploy(site, args.deploy);
    const rows = [
      ["deploy", `${deploy.id} of ${deploy.site}`],
      ["state", stateOf(deploy) || "kept"],
      ["made", `${renderTime(deploy.createdAt)} by ${whoOf(deploy)}`],
      ["went live", renderTime(deploy.releasedAt)],
      ["files", `${renderNumber(deploy.files)}, ${renderBytes(deploy.sizeBytes)}`],
      ...(deploy.message === "" ? [] : [["message", deploy.message]]),
      ...deploy.warnings.map((warning) => ["warning", warning]),
      ["address", deploy.url],
    ].map(([label = "", value = ""]) => [label, shorten(value, 200)]);
    return { value: deploy, text: renderTable(rows) };
  },
});

/** Shows what changed from one deploy to another. */
export const diff = defineCommand({
  more: "With one id, it is compared with the deploy before it.",
  examples: ["land deploys diff abcdefghij --site blog", "land deploys diff abcdefghij klmnopqrst"],
  args: {
    ...siteArgs,
    from: { type: "one", about: "Id of the older deploy; with one id alone, the newer one" },
    to: { type: "optional", about: "Id of the newer deploy" },
  },
  async run(context, args) {
    const site = await settleSite(context, args.site);
    const { remote } = await connect(context);
    const value =
      args.to === undefined
        ? await remote.diffDeploys(site, args.from)
        : await remote.diffDeploys(site, args.to, args.from);
    return { value, text: renderDiff(context, value) };
  },
});

function renderDiff({ style }: Context, { added, changed, removed, total }: DeployDiff): string {
  const lines = [
    ...added.map((path) => style.green(`+ ${printable(path)}`)),
    ...changed.map((path) => style.yellow(`~ ${printable(path)}`)),
    ...removed.map((path) => style.red(`- ${printable(path)}`)),
  ];
  const shown = lines.length;
  const all = total.added + total.changed + total.removed;
  if (shown < all) lines.push(`… and ${renderNumber(all - shown)} more`);
  const { added: plus, changed: same, removed: minus, unchanged } = total;
  lines.push(`${plus} added, ${same} changed, ${minus} removed, ${unchanged} as they were`);
  return lines.join("\n");
}

/** Removes a deploy. */
export const remove = defineCommand({
  more: "The deploy that is live cannot be removed. Without a terminal it needs --yes.",
  examples: ["land deploys delete abcdefghij --site blog --yes"],
  args: { ...siteArgs, deploy: { type: "one", about: "Id of the deploy" } },
  async run(context, args) {
    const site = await settleSite(context, args.site);
    if (args.deploy === "")
      throw fail("usage", { problem: "Cannot remove a deploy without its id" });
    await askToGoOn(context, {
      what: "whether to remove the deploy",
      message: `Remove the deploy ${printable(args.deploy)} of ${site} for good?`,
      initial: false,
    });
    const { remote } = await connect(context);
    await remote.deleteDeploy(site, args.deploy);
    context.say(`Removed the deploy ${printable(args.deploy)} of ${site}`);
    return { value: { site, deploy: args.deploy } };
  },
});
