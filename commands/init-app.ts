import type { SiteName } from "#base/names.ts";
import { SITE_TYPES } from "#pack/site-types.ts";

import { FIRST_STYLE, firstPage, writeNewFiles } from "./init-site.ts";

const MAIN = `interface Env extends LandEnv {
  /** \`land env set GREETING --plain\` sets it, without a deploy. */
  GREETING?: string;
}

/** Answers what no file in public/ does. */
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname !== "/api/visits") return new Response("Not found", { status: 404 });
    if (request.method !== "POST")
      return new Response("Use POST", { status: 405, headers: { allow: "POST" } });
    const visits = await countVisit(env.KV);
    return Response.json({ greeting: env.GREETING ?? "Hello", visits });
  },
} satisfies LandModule<Env>;

/** Counts one visit more, also where many come at once. */
async function countVisit(kv: KVNamespace): Promise<number> {
  await kv.atomic().sum("visits", 1).commit();
  return (await kv.get<number>("visits", "json")) ?? 0;
}
`;

const SCRIPT = `const output = document.querySelector("output");
const answer = await fetch("/api/visits", { method: "POST" });
if (answer.ok) {
  const { greeting, visits } = await answer.json();
  output.textContent = \`\${greeting}, this page was opened \${visits === 1 ? "once" : \`\${visits} times\`}.\`;
} else output.textContent = \`The program answered \${answer.status}.\`;
`;

const TYPES = {
  compilerOptions: {
    target: "ESNext",
    module: "Preserve",
    moduleDetection: "force",
    lib: ["ESNext", "DOM", "DOM.Iterable"],
    types: [],
    noEmit: true,
    strict: true,
    allowImportingTsExtensions: true,
  },
  include: ["*.ts", "src"],
};

function page(name: SiteName): string {
  return firstPage(
    name,
    `      <h1>${name}</h1>
      <p><output aria-live="polite">Asking main.ts …</output></p>
      <noscript><p>This page counts its visits with JavaScript.</p></noscript>`,
    `    <script type="module" src="/app.js"></script>\n`,
  );
}

/**
 * Writes a first site with a program into a folder: `main.ts`, a page in `public/`, types for editors and a `land.json` that
 * names both. Files that are there already stay as they are; `made` names those that were written.
 *
 * @throws file_failed
 */
export function writeFirstApp(dir: string, name: SiteName): Promise<{ made: string[] }> {
  const site = { name, dir: "public", main: "main.ts" };
  return writeNewFiles(dir, {
    "main.ts": MAIN,
    "public/index.html": page(name),
    "public/app.js": SCRIPT,
    "public/style.css": FIRST_STYLE,
    "public/.landignore":
      "# Files that stay here when the site is deployed, as in a .gitignore\n*.draft.*\n",
    "land-env.d.ts": SITE_TYPES,
    "tsconfig.json": `${JSON.stringify(TYPES, undefined, 2)}\n`,
    "land.json": `${JSON.stringify({ site }, undefined, 2)}\n`,
  });
}
