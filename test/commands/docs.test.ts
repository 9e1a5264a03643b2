import { expect, test } from "bun:test";

import { renderCli } from "../../docs/generate.ts";

test("docs/cli.md is what `bun run docs` makes", async () => {
  expect(await Bun.file("docs/cli.md").text()).toBe(await renderCli());
});
