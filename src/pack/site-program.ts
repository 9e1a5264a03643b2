/** What of a site's folder is never served. */
export type Unserved = {
  /** The program of the site; undefined where it has none. */
  program: string | undefined;
  /** The program, its source map and the manifest, whether they are there or not. */
  paths: ReadonlySet<string>;
};

/**
 * What is left out of a site whose folder holds these paths: its manifest, and its program with its source map. The program
 * is what the manifest names as `main` (null: a file elsewhere), else `main.ts`, else `main.js` where no `index.html` could be the page that loads it.
 */
export function findUnserved(held: ReadonlySet<string>, main?: string | null): Unserved {
  const program = findProgram(held, main);
  const paths = program === undefined ? [] : [program, `${program}.map`];
  return { program, paths: new Set(["land.json", ...paths]) };
}

function findProgram(
  held: ReadonlySet<string>,
  main: string | null | undefined,
): string | undefined {
  if (main === null) return undefined;
  if (main !== undefined) return held.has(main) ? main : undefined;
  if (held.has("main.ts")) return "main.ts";
  return held.has("main.js") && !held.has("index.html") ? "main.js" : undefined;
}
