/**
 * `test/examples` holds what every example promises: it deploys, and its types are right.
 * Nobody calls it. It must never change an example.
 */
import { expect, test } from "bun:test";
import { join } from "node:path";

import { bundleSiteProgram } from "#install/site-bundle.ts";
import { parseManifest } from "#pack/manifest.ts";
import { selectSite } from "#pack/site-select.ts";
import { SITE_TYPES } from "#pack/site-types.ts";
import { typeProblems } from "#test/support/types.ts";

const folderOf = (app: string) => join(import.meta.dir, "../../examples", app);

test.each(["counter-app", "chat-app", "todo-app"])(
  "%s",
  async (app) => {
    const folder = folderOf(app);
    const read = (path: string) => Bun.file(join(folder, path)).text();
    const { site } = parseManifest("land.json", await read("land.json"));
    const { files } = await selectSite(join(folder, site?.dir ?? ""));
    expect(files.map(({ path }) => path)).toEqual(expect.arrayContaining(["app.js", "style.css"]));
    const { warnings } = await bundleSiteProgram({
      main: join(folder, site?.main ?? ""),
      root: folder,
    });
    expect(warnings).toEqual([]);
    // `land init` writes the same.
    expect(await read("land-env.d.ts")).toBe(SITE_TYPES);
    expect(await typeProblems(folder)).toBe("");
  },
  60_000,
);
