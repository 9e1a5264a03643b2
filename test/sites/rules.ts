import { type Question, readSiteRules, type Resolution, resolve } from "#sites/rules/resolve.ts";

/** A site of these files and rules, to be asked. */
export function siteOf(
  files: readonly string[],
  texts: { redirects?: string; headers?: string } = {},
) {
  const held = new Set(files);
  const { rules, warnings } = readSiteRules(texts);
  return {
    rules,
    warnings,
    /** What answers `url`, a path with its query. */
    ask(url: string, more: Partial<Question> = {}): Resolution {
      const at = url.indexOf("?");
      const [path, query] = at === -1 ? [url, ""] : [url.slice(0, at), url.slice(at + 1)];
      return resolve(rules, (file) => held.has(file), {
        path,
        query,
        host: "blog.example.com",
        scheme: "https",
        ...more,
      });
    },
  };
}

/** A resolution in one line: `200 index.html`, `301 /new`, `404 404.html`, `404`, `malformed`. */
export function inWords(resolution: Resolution): string {
  switch (resolution.kind) {
    case "file":
      return `${resolution.status} ${resolution.path}`;
    case "redirect":
      return `${resolution.status} ${resolution.location}`;
    case "missing":
      return [resolution.status, resolution.page].filter(Boolean).join(" ");
    case "malformed":
      return "malformed";
  }
}
