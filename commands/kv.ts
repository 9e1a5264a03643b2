import { fail } from "#base/errors.ts";
import { printable, printableLines } from "#base/names.ts";
import type { KvKeyInfo } from "#runtime/model.ts";

import { askText, askToGoOn } from "./ask.ts";
import { defineCommand } from "./command.ts";
import { connect } from "./connect.ts";
import type { Context } from "./context.ts";
import { renderBytes, renderCount, renderTable, renderTime, shorten } from "./render.ts";
import { settleSite, siteArgs } from "./site.ts";
import { parseCount } from "./spec.ts";
import { readStdin } from "./stdin.ts";

const key = { type: "one", about: "The key" } as const;
const MAX_STDIN_BYTES = 512 * 1024 * 1024;
const PAGE = 100;
const DEFAULT_LIMIT = 1000;
const MAX_LIMIT = 1_000_000;

/** Prints the value of a key. */
export const get = defineCommand({
  more: "Writes the value as it is. With --json a value that is not UTF-8 is base64, and `encoding` says so.",
  examples: ["land kv get user:1 --site blog", "land kv get logo.png --site blog > logo.png"],
  args: { ...siteArgs, key },
  async run(context, args) {
    const site = await settleSite(context, args.site);
    const { remote } = await connect(context);
    const bytes = await remote.readKv(site, args.key);
    if (context.json) return { value: { key: args.key, ...describe(bytes) } };
    const { stdout } = context.world;
    const text = describe(bytes);
    // A terminal gets nothing that it would obey.
    if (stdout.isTTY === true)
      return {
        value: text.value,
        text:
          text.encoding === "base64"
            ? `${renderBytes(bytes.byteLength)} that are no text: send them to a file`
            : printableLines(text.value).replace(/\n$/, ""),
      };
    await new Promise<void>((done, failed) => {
      stdout.write(bytes, (error) => (error ? failed(error) : done()));
    });
    return { value: undefined };
  },
});

function describe(bytes: Uint8Array): { value: string; encoding?: "base64" } {
  try {
    return { value: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { value: Buffer.from(bytes).toString("base64"), encoding: "base64" };
  }
}

/** Writes a key. */
export const set = defineCommand({
  more: "Without a value it takes what stands on stdin, every byte of it.",
  examples: [
    "land kv set greeting hello --site blog",
    "land kv set logo.png --site blog < logo.png",
    "land kv set code 1234 --ttl 10m --site blog # gone after ten minutes",
  ],
  args: {
    ...siteArgs,
    key,
    value: { type: "optional", about: "The value (default: from stdin)" },
    ttl: { type: "text", value: "TIME", about: "How long the key stays: 90s, 10m, 12h or 30d" },
  },
  async run(context, args) {
    const ttlSeconds = parseTtl(args.ttl);
    const site = await settleSite(context, args.site);
    const bytes =
      args.value === undefined ? await readValue(context) : new TextEncoder().encode(args.value);
    const { remote } = await connect(context);
    await remote.writeKv(site, args.key, bytes, { ttlSeconds });
    context.say(`${printable(args.key)} has ${renderCount(bytes.byteLength, "byte")} now`);
    return { value: { key: args.key, ...describe(bytes) } };
  },
});

async function readValue(context: Context): Promise<Uint8Array> {
  if (context.world.stdin.isTTY !== true)
    return readStdin(context, { what: "the value", maxBytes: MAX_STDIN_BYTES });
  const question = { flag: "the value, or send it on stdin", what: "the value", message: "Value" };
  return new TextEncoder().encode(await askText(context, question));
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** A time in seconds; a number alone is seconds. @throws usage */
function parseTtl(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, count, unit = "s"] = /^([1-9]\d{0,9})([smhd])?$/.exec(text) ?? [];
  if (count !== undefined) return Number(count) * (UNIT_SECONDS[unit] ?? 1);
  throw fail("usage", {
    problem: `Cannot use "${printable(text)}" for --ttl: it is a time such as 90s, 10m, 12h or 30d`,
  });
}

/** Removes a key. */
export const remove = defineCommand({
  more: "Without a terminal it needs --yes.",
  examples: ["land kv delete user:1 --site blog --yes"],
  args: { ...siteArgs, key },
  async run(context, args) {
    const site = await settleSite(context, args.site);
    await askToGoOn(context, {
      what: "whether to remove the key",
      message: `Remove ${printable(args.key)} of ${site} for good?`,
      initial: false,
    });
    const { remote } = await connect(context);
    await remote.deleteKv(site, args.key);
    context.say(`${printable(args.key)} is gone`);
    return { value: { key: args.key } };
  },
});

/** Lists keys. */
export const list = defineCommand({
  examples: ["land kv list --site blog", "land kv list --prefix user: --site blog"],
  args: {
    ...siteArgs,
    prefix: { type: "text", value: "TEXT", about: "Only keys that begin with it" },
    limit: { type: "text", value: "N", about: `Most keys to show (default: ${DEFAULT_LIMIT})` },
  },
  async run(context, args) {
    const limit =
      args.limit === undefined ? DEFAULT_LIMIT : parseCount("--limit", args.limit, MAX_LIMIT);
    const site = await settleSite(context, args.site);
    const { remote } = await connect(context);
    const items: KvKeyInfo[] = [];
    let cursor: string | undefined;
    do {
      const some = Math.min(PAGE, limit - items.length);
      const page = await remote.listKv(site, { prefix: args.prefix, limit: some, cursor });
      items.push(...page.items);
      cursor = page.next ?? undefined;
    } while (cursor !== undefined && items.length < limit);
    if (items.length === 0) context.say(`${site} has no such keys`);
    if (cursor !== undefined) context.say(`There are more; see them with --limit or --prefix`);
    const rows = items.map((item) => [
      shorten(item.key, 80),
      renderBytes(item.sizeBytes),
      item.expiresAt === null ? "" : `until ${renderTime(item.expiresAt)}`,
    ]);
    return {
      value: { keys: items.map((item) => item.key), items },
      text: renderTable(rows, [1]),
    };
  },
});
