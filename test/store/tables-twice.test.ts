import { expect, test } from "bun:test";

const ROOT = new URL("../..", import.meta.url).pathname;
const TABLE = /sqliteTable\(\s*"([a-z_]+)",\s*\{([^]*?)\n?\}/g;
const UNNAMED = /: (?:\w+)\((?:\)|\{)/;

test("of a table that is described more than once, all descriptions but one name their columns by hand", async () => {
  // Drizzle remembers the names of the others by table alone: those of whichever was asked first.
  const unnamed = new Map<string, string[]>();
  let tables = 0;
  for await (const path of new Bun.Glob("src/**/*.{ts,tsx}").scan(ROOT))
    for (const [, name = "", columns = ""] of (await Bun.file(`${ROOT}/${path}`).text()).matchAll(
      TABLE,
    )) {
      tables += 1;
      if (UNNAMED.test(columns)) unnamed.set(name, [...(unnamed.get(name) ?? []), path]);
    }
  expect(tables).toBeGreaterThan(20);
  expect([...unnamed].filter(([, paths]) => paths.length > 1)).toEqual([]);
});
