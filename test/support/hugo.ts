import { describe, test } from "bun:test";

import { writeFiles } from "./project.ts";

/** What to do where Hugo is missing. */
const HINT = "install the Debian package `hugo`";

/** Tests that need Hugo. Without it they are skipped, and where `LAND_TEST_REQUIRE` names `hugo` they fail. */
export function describeHugo(name: string, body: () => void): void {
  if (Bun.which("hugo") !== null) return describe(name, body);
  if ((process.env["LAND_TEST_REQUIRE"] ?? "").split(",").includes("hugo"))
    return test(name, () => Promise.reject(new Error(`No Hugo: ${HINT}`)));
  describe.skip(`${name} (no Hugo: ${HINT})`, body);
}

/** Builds the source of a site into a folder; no network. */
export function runHugo(source: string, destination: string): void {
  const { success, stderr, stdout } = Bun.spawnSync(
    ["hugo", "--quiet", "--source", source, "--destination", destination],
    { env: { PATH: process.env["PATH"] ?? "", HOME: source, HUGO_CACHEDIR: `${source}/cache` } },
  );
  if (!success) throw new Error(`hugo: ${stdout.toString()}${stderr.toString()}`);
}

const POSTS = 1300;
const TAGS = 160;
const IMAGES = 150;
const TITLES = ["Grüße aus Köln", "日本語の記事", "Привет, мир", "Čaj & káva", "emoji 🏔 oben"];
const PAGE = {
  "layouts/_default/baseof.html": `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ .Title }}</title>
{{ $css := resources.Get "css/main.css" | minify | fingerprint }}<link rel="stylesheet" href="{{ $css.RelPermalink }}" integrity="{{ $css.Data.Integrity }}">
{{ $js := resources.Get "js/app.js" | minify | fingerprint }}<script src="{{ $js.RelPermalink }}" defer></script>
<link rel="icon" href="/img/0.svg"></head>
<body><nav><a href="/">Home</a> <a href="/posts/">Posts</a> <a href="/tags/">Tags</a> <a href="/files/">Files</a> <a href="/about/">About</a></nav>
<main>{{ block "main" . }}{{ end }}</main></body></html>
`,
  "layouts/_default/single.html": `{{ define "main" }}<article><h1>{{ .Title }}</h1>
{{ with .Params.image }}<img src="{{ . }}" alt="" width="40" height="40">{{ end }}
{{ .Content }}{{ range .GetTerms "tags" }}<a href="{{ .RelPermalink }}">{{ .Title }}</a> {{ end }}
{{ with .PrevInSection }}<a rel="prev" href="{{ .RelPermalink }}">{{ .Title }}</a>{{ end }}
{{ with .NextInSection }}<a rel="next" href="{{ .RelPermalink }}">{{ .Title }}</a>{{ end }}</article>{{ end }}
`,
  "layouts/_default/list.html": `{{ define "main" }}<h1>{{ .Title }}</h1><ul>{{ range .Paginator.Pages }}<li><a href="{{ .RelPermalink }}">{{ .Title }}</a></li>{{ end }}</ul>
{{ template "_internal/pagination.html" . }}{{ end }}
`,
  "layouts/_default/terms.html": `{{ define "main" }}<h1>{{ .Title }}</h1>{{ range .Pages }}<a href="{{ .RelPermalink }}">{{ .Title }}</a> {{ end }}{{ end }}
`,
  "layouts/index.html": `{{ define "main" }}<h1>{{ .Title }}</h1>{{ .Content }}{{ range first 30 .Site.RegularPages }}<a href="{{ .RelPermalink }}">{{ .Title }}</a> {{ end }}
<a href="/index.xml">Feed</a> <a href="/sitemap.xml">Sitemap</a>{{ end }}
`,
  "layouts/404.html": `{{ define "main" }}<h1>Lost</h1><p>The page of this very site for what is not there.</p>{{ end }}
`,
  "assets/css/main.css":
    "body { font: 1rem/1.5 system-ui; max-width: 40rem; margin: auto }\nnav a { margin-right: 1rem }\n",
  "assets/js/app.js": 'document.documentElement.dataset.ran = "yes";\n',
};

/** Names of files that are hard to put into an address. */
export const HARD_NAMES = [
  "Übersicht & Plan #1.txt",
  "100%.txt",
  "a b+c;d=e,f.txt",
  "日本.json",
  "what?.txt",
  "UPPER.TXT",
  "no-extension",
  "semi'quote\".txt",
];

/** Writes the source of a site that Hugo makes more than 2,000 files of: posts, tags, pages of lists, feeds, assets, a 404. */
export async function writeHugoSource(dir: string): Promise<void> {
  const files: Record<string, string | Uint8Array> = {
    ...PAGE,
    "config.toml":
      'baseURL = "/"\ntitle = "A thousand walks"\npaginate = 12\ndisableHugoGeneratorInject = true\nenableEmoji = true\n[taxonomies]\n  tag = "tags"\n',
    "content/_index.md": "---\ntitle: A thousand walks\n---\nWelcome.\n",
    "content/about.md": "---\ntitle: About\n---\nWho walks here.\n",
    "content/files.md": `---\ntitle: Files\n---\n${HARD_NAMES.map((name, index) => `- [file ${index}](/files/${encodeURIComponent(name)})`).join("\n")}\n`,
    "static/opening-hours.txt": "Monday to Friday\n",
    "static/robots.txt": "User-agent: *\nAllow: /\n",
    "static/.well-known/security.txt": "Contact: mailto:walks@example.com\n",
  };
  for (const [index, name] of HARD_NAMES.entries())
    files[`static/files/${name}`] = `This is ${name}, number ${index}\n`;
  for (let image = 0; image < IMAGES; image += 1)
    files[`static/img/${image}.svg`] =
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 4"><rect width="4" height="4" fill="hsl(${image * 7} 50% 50%)"/></svg>\n`;
  for (let post = 0; post < POSTS; post += 1) {
    const unicode = TITLES[post % 45];
    const title = unicode === undefined ? `Walk number ${post}` : `${unicode} ${post}`;
    const tags = [post % TAGS, (post * 7 + 3) % TAGS].map((tag) => `tag ${tag}`);
    const day = new Date(Date.UTC(2020, 0, 1) + post * 86_400_000).toISOString().slice(0, 10);
    files[`content/posts/${title.toLowerCase().replaceAll(/[ &,]+/g, "-")}.md`] =
      `---\ntitle: ${JSON.stringify(title)}\ndate: ${day}\ntags: ${JSON.stringify(tags)}\nimage: /img/${post % IMAGES}.svg\n---\n` +
      `We walked ${post} miles. ${"The path went up and down. ".repeat(1 + (post % 40))}\n`;
  }
  await writeFiles(dir, files);
}
