import type { Static, TSchema } from "@sinclair/typebox";

import { pageOf } from "#http/page.ts";

import type { Exchange } from "./exchange.ts";

const MAX_PAGES = 100;

/** Every item of a list, page by page, at most 10,000. */
export async function readAll<T extends TSchema>(
  exchange: Exchange,
  item: T,
  path: string,
): Promise<Static<T>[]> {
  const page = pageOf(item);
  const items: Static<T>[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const answer = await exchange.ask(page, {
      method: "GET",
      path,
      query: { limit: "100", cursor },
    });
    items.push(...answer.items);
    if (answer.next === null) break;
    cursor = answer.next;
  }
  return items;
}
