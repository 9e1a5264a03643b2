import { type TSchema, Type } from "@sinclair/typebox";

import { fail } from "#base/errors.ts";

/** Where in a list to go on: the sort key of the last item. Opaque to clients. */
export type Cursor = readonly (string | number)[];
/** What part of a list a request wants. */
export type PageRequest = { limit: number; cursor: Cursor | undefined };
/** A part of a list; `next` is the cursor of the following one, null at the end. */
export type Page<Item> = { items: Item[]; next: string | null };

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;

/** The query of a list, for a route's `query`. `parsePage` checks it. */
export const PageQuery = Type.Object({
  limit: Type.Optional(
    Type.String({ description: `How many items, 1 to ${MAX_LIMIT}; ${DEFAULT_LIMIT} by default` }),
  ),
  cursor: Type.Optional(Type.String({ description: "The `next` of the page before" })),
});

/** The answer of a list of `item`. */
export function pageOf<T extends TSchema>(item: T) {
  return Type.Object({
    items: Type.Array(item),
    next: Type.Union([Type.String(), Type.Null()]),
  });
}

/** Reads `limit` and `cursor` of a query. @throws invalid_input */
export function parsePage(query: Readonly<Record<string, unknown>>): PageRequest {
  const { limit = String(DEFAULT_LIMIT), cursor } = query;
  const wanted = /^\d{1,3}$/.test(String(limit)) ? Number(limit) : 0;
  if (wanted < 1 || wanted > MAX_LIMIT)
    throw fail("invalid_input", { field: "limit", problem: `use 1 to ${MAX_LIMIT}` });
  return { limit: wanted, cursor: cursor === undefined ? undefined : decodeCursor(cursor) };
}

/** A page of `rows`, of which one more than the limit was fetched where there are more. */
export function toPage<Row, Item>(
  rows: readonly Row[],
  { limit }: PageRequest,
  toItem: (row: Row) => Item,
  cursorOf: (row: Row) => Cursor,
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  return {
    items: shown.map((row) => toItem(row)),
    next: more ? encodeCursor(cursorOf(last)) : null,
  };
}

function encodeCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString("base64url");
}

function decodeCursor(text: unknown): Cursor {
  try {
    const value: unknown = JSON.parse(Buffer.from(String(text), "base64url").toString("utf8"));
    if (Array.isArray(value) && value.length > 0 && value.every(isKey)) return value;
  } catch {
    // Not of ours: told below.
  }
  throw fail("invalid_input", { field: "cursor", problem: "use the `next` of an answer as it is" });
}

function isKey(value: unknown): value is string | number {
  return typeof value === "string" || Number.isFinite(value);
}
