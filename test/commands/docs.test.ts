import { expect, test } from "bun:test";
import { join } from "node:path";

import { PAGES } from "../../docs/generate.ts";

test.each(Object.entries(PAGES))("docs/%s is what `bun run docs` makes", async (name, render) => {
  const file = Bun.file(join(import.meta.dir, "../../docs", name));
  expect(await file.text()).toBe(await render());
});
