import { printableLines } from "#base/names.ts";
import { type Child, type Html, raw } from "#html/html.ts";
import { logoAsset, styleAsset } from "#web/assets.ts";

import { uiScript, uiStyle } from "./assets.ts";
import type { UiProblem } from "./model.ts";

/** What every page knows. */
export type Page = {
  version: string;
  csrf: string;
  now: Date;
  /** Its name below the place of all pages, "" for the first. All links are relative to that place. */
  path: string;
  /** How many acts run now. */
  running: number;
};

const LINKS = [
  ["", "Projects"],
  ["global", "Global packages"],
  ["store", "Store"],
  ["accounts", "Accounts"],
  ["settings", "Settings"],
  ["done", "Done here"],
] as const;

/** A whole document. `isMoving`: it shows what goes on, and without scripts asks for itself again. */
export function Frame(props: {
  page: Page;
  title: string;
  isMoving?: boolean;
  children: Child;
}): Html {
  const { page, title } = props;
  return (
    <>
      {raw("<!doctype html>\n")}
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <title>{`${title} · land`}</title>
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          {props.isMoving && (
            <noscript>
              <meta http-equiv="refresh" content="2" />
            </noscript>
          )}
          <link rel="icon" href={logoAsset.url} type="image/svg+xml" />
          <link rel="stylesheet" href={styleAsset.url} />
          <link rel="stylesheet" href={uiStyle.url} />
          <script src={uiScript.url} defer />
        </head>
        <body>
          <a class="skip" href="#main">
            Skip to content
          </a>
          <Head page={page} />
          <main id="main" tabindex={-1} class="page">
            {props.children}
          </main>
          <Foot page={page} />
        </body>
      </html>
    </>
  );
}

function Head({ page }: { page: Page }): Html {
  return (
    <header class="top">
      <div class="bar">
        <a class="brand" href="./">
          <img src={logoAsset.url} alt="" width={28} height={28} />
          <span>land</span>
        </a>
        <nav class="links" aria-label="Main">
          {LINKS.map(([path, text]) => (
            <a href={path || "./"} aria-current={page.path === path ? "page" : undefined}>
              {text}
              {path === "done" && page.running > 0 && (
                <span class="count" title="running now">
                  {page.running}
                </span>
              )}
            </a>
          ))}
        </nav>
      </div>
    </header>
  );
}

function Foot({ page }: { page: Page }): Html {
  return (
    <footer class="bottom">
      <div class="bar">
        <span>{`land ${page.version}, on this machine alone`}</span>
        <form method="post" action="quit" class="inline">
          <Token page={page} />
          <button class="link">Quit</button>
        </form>
      </div>
    </footer>
  );
}

/** The hidden field of every form. */
export function Token({ page }: { page: Page }): Html {
  return <input type="hidden" name="csrf" value={page.csrf} />;
}

/** A button that begins an act; `fields` say which. */
export function ActButton(props: {
  page: Page;
  fields: Readonly<Record<string, string>>;
  kind?: "quiet" | "danger";
  isSmall?: boolean;
  /** What a reader of the screen hears, where the words alone do not say of what. */
  label?: string;
  children: Child;
}): Html {
  return (
    <form method="post" action="act" class="inline act">
      <Token page={props.page} />
      {Object.entries(props.fields).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      <button class={["button", props.kind, props.isSmall && "small"]} aria-label={props.label}>
        {props.children}
      </button>
    </form>
  );
}

/** Why something cannot be shown. */
export function Problem({ problem }: { problem: UiProblem }): Html {
  return (
    <div class="notice bad" role="alert">
      <p class="told">{printableLines(problem.detail)}</p>
      {problem.hint && <p class="told">{printableLines(problem.hint)}</p>}
    </div>
  );
}

/** What went well enough, and should be known all the same. */
export function Warnings({ warnings }: { warnings: readonly string[] }): Html | null {
  if (warnings.length === 0) return null;
  return (
    <div class="notice warn">
      {warnings.map((text) => (
        <p class="told">{printableLines(text)}</p>
      ))}
    </div>
  );
}

/** The field for a package to be added. */
export function SpecField({ label }: { label: string }): Html {
  return (
    <div class="field">
      <label for="spec">{label}</label>
      <input
        id="spec"
        name="spec"
        required
        maxlength={400}
        pattern="[^\s\-]\S*"
        title="A name, name@range or name@tag"
        autocomplete="off"
        autocapitalize="none"
        spellcheck="false"
        aria-describedby="spec-hint"
      />
      <p class="hint" id="spec-hint">
        A name, name@range or name@tag
      </p>
    </div>
  );
}

/** A part that takes long: it comes later where scripts run, else by its link. */
export function Later(props: { href: string; children: Child }): Html {
  return (
    <div data-part={props.href} aria-live="polite">
      <p>
        <a href={props.href}>{props.children}</a>
      </p>
    </div>
  );
}

/** The path of a folder. */
export function Path({ dir }: { dir: string }): Html {
  return <span class="path">{printableLines(dir)}</span>;
}

/** As a shell takes it for one word. */
function quoted(word: string): string {
  return /^[\w@/.^~+:,=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** What one would type for the same. */
export function Typed({ argv }: { argv: readonly string[] }): Html {
  const words = argv.filter((word) => word !== "--").map(quoted);
  return <code>{["land", ...words].join(" ")}</code>;
}
