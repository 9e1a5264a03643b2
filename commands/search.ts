import { defineCommand } from "./command.ts";
import { connect } from "./connect.ts";
import { renderTable, shorten } from "./render.ts";
import { parseCount } from "./spec.ts";

/** Lists packages of the registry that a query finds. */
export default defineCommand({
  examples: ["land search left pad", "land search @ada/ --sort downloads --limit 50"],
  args: {
    query: { type: "any", about: "Words to look for; without any, all packages" },
    sort: {
      type: "text",
      value: "ORDER",
      about: "relevance, downloads, updated or name",
      oneOf: ["relevance", "downloads", "updated", "name"],
    },
    limit: { type: "text", value: "N", about: "How many to show, 1 to 100 (default: 20)" },
    cursor: { type: "text", value: "CURSOR", about: "Where the page before ended" },
  },
  async run(context, { query, sort, limit, cursor }) {
    const { remote } = await connect(context);
    const page = await remote.search({
      q: query.join(" "),
      ...(sort !== undefined && { sort }),
      ...(limit !== undefined && { limit: String(parseCount("--limit", limit, 100)) }),
      ...(cursor !== undefined && { cursor }),
    });
    const items = page.items.map(({ name, version, description }) => ({
      name,
      version,
      description,
    }));
    const heads = items.map(({ name, version }) => [
      context.style.bold(shorten(name, 64)),
      version === null ? context.style.red("yanked") : shorten(version, 30),
    ]);
    const used = [0, 1].map((at) =>
      Math.max(0, ...heads.map((head) => Bun.stringWidth(head[at] ?? ""))),
    );
    const left =
      (context.world.stdout.columns || 100) - used.reduce((sum, one) => sum + one + 2, 0);
    const rows = heads.map((head, at) =>
      head.concat(shorten(items[at]?.description ?? "", Math.max(20, left))),
    );
    if (rows.length === 0) context.say("Nothing found");
    if (page.next !== null) context.say(`There are more: add --cursor ${page.next}`);
    return { value: { items, next: page.next }, text: renderTable(rows) };
  },
});
