import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";

import type { SiteName } from "#base/names.ts";
import { readTextIfAny, writeFileAtomic } from "#store/files.ts";

/** How a first site looks. */
export const FIRST_STYLE = `:root {
  color-scheme: light dark;
  font: 1.125rem/1.6 system-ui, sans-serif;
}

main {
  max-width: 40rem;
  margin: 15vh auto;
  padding: 0 1.5rem;
}
`;

/** A first site, small enough to be read whole. No name in it needs escaping: a site's name is letters, digits and `-`. */
function siteFiles(name: SiteName): Record<string, string> {
  return {
    "index.html": firstPage(
      name,
      `      <h1>${name}</h1>\n      <p>This page is <code>index.html</code>. Change it and run <code>land deploy</code> again.</p>`,
    ),
    "404.html": firstPage(
      `Not found · ${name}`,
      `      <h1>Not found</h1>\n      <p>There is nothing here. <a href="/">Back to the start</a></p>`,
    ),
    "style.css": FIRST_STYLE,
    ".landignore": `# Files that stay here when the site is deployed, as in a .gitignore
README.md
*.draft.*
`,
  };
}

/** The page of a first site: the lines inside `main`, and those that its head has besides. */
export function firstPage(title: string, body: string, head = ""): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${title}</title>
    <link rel="stylesheet" href="/style.css">
${head}  </head>
  <body>
    <main>
${body}
    </main>
  </body>
</html>
`;
}

/**
 * Writes a first site into a folder: pages, style, `.landignore` and a `land.json` that names it. Files that are there already
 * stay as they are; `made` names those that were written.
 *
 * @throws file_failed
 */
export function writeFirstSite(dir: string, name: SiteName): Promise<{ made: string[] }> {
  return writeNewFiles(dir, {
    ...siteFiles(name),
    "land.json": `${JSON.stringify({ site: { name, dir: "." } }, undefined, 2)}\n`,
  });
}

/**
 * Writes texts by their paths below a folder. Files that are there already stay as they are; `made` names those that were
 * written.
 *
 * @throws file_failed
 */
export async function writeNewFiles(
  dir: string,
  files: Readonly<Record<string, string>>,
): Promise<{ made: string[] }> {
  const made: string[] = [];
  for (const [file, text] of Object.entries(files)) {
    const path = join(dir, file);
    if ((await readTextIfAny(path)) !== undefined) continue;
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, text);
    made.push(file);
  }
  return { made };
}
