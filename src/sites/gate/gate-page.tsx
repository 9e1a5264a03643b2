import { createHash } from "node:crypto";

import { type Child, type Html, raw, toText } from "#html/html.ts";

import { ENTER } from "./gate-address.ts";

const STYLE = `
:root{color-scheme:light dark;--ground:#fff;--text:#1c1c1a;--quiet:#5c5c57;--line:#8a8a84;--act:#1c1c1a;--on-act:#fff;--bad:#a3180f}
@media (prefers-color-scheme:dark){:root{--ground:#171716;--text:#ecece8;--quiet:#aaaaa3;--line:#77776f;--act:#ecece8;--on-act:#171716;--bad:#ff9d93}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;background:var(--ground);color:var(--text);font:1rem/1.5 system-ui,sans-serif}
main{width:100%;max-width:24rem}
h1{margin:0 0 .5rem;font-size:1.375rem;line-height:1.25;overflow-wrap:anywhere}
p{margin:0 0 1.25rem;color:var(--quiet)}
label{display:block;margin-bottom:.375rem;font-weight:600}
input,button{width:100%;min-height:2.75rem;font:inherit;border-radius:.375rem}
input{padding:.5rem .75rem;border:1px solid var(--line);background:var(--ground);color:var(--text)}
button{margin-top:.75rem;border:1px solid var(--act);background:var(--act);color:var(--on-act);font-weight:600;cursor:pointer}
:focus-visible{outline:3px solid var(--act);outline-offset:2px}
.bad{margin:.375rem 0 0;color:var(--bad)}
`;

/** No script, no address but our own, no frame: a page that shows nothing to attack and asks for one secret. */
const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The headers of both pages. Nobody keeps them, no search engine lists them. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": POLICY,
  "cache-control": "no-store",
  "x-robots-tag": "noindex",
  "x-content-type-options": "nosniff",
  // The form's POST must tell its Origin, which "no-referrer" would make "null".
  "referrer-policy": "same-origin",
};

/** The page that asks for the password of a site. `to`: the path to show afterwards; `problem`: what is wrong with the last one. */
export function passwordPage(props: { host: string; to: string; problem?: string }): string {
  const { host, to, problem } = props;
  return page(
    `Password for ${host}`,
    <>
      <h1>{host}</h1>
      <p>This site is protected by a password.</p>
      <form method="post" action={ENTER}>
        <input type="hidden" name="to" value={to} />
        {/* Password managers keep a password for a name. */}
        <input type="text" name="username" value={host} autocomplete="username" readonly hidden />
        <label for="password">Password</label>
        <input
          id="password"
          name="password"
          type="password"
          autocomplete="current-password"
          required
          autofocus
          maxlength={1024}
          aria-invalid={problem === undefined ? undefined : "true"}
          aria-describedby={problem === undefined ? undefined : "problem"}
        />
        {problem !== undefined && (
          <p id="problem" class="bad" role="alert">
            {problem}
          </p>
        )}
        <button type="submit">Open the site</button>
      </form>
    </>,
  );
}

/** The page of a site whose owner is working on it. */
export function maintenancePage({ host }: { host: string }): string {
  return page(
    `${host} is under maintenance`,
    <>
      <h1>{host}</h1>
      <p>This site is under maintenance. Please come back in a few minutes.</p>
    </>,
  );
}

function page(title: string, children: Child): string {
  return toText(<Page title={title}>{children}</Page>);
}

function Page({ title, children }: { title: string; children: Child }): Html {
  return (
    <>
      {raw("<!doctype html>\n")}
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <title>{title}</title>
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <meta name="robots" content="noindex" />
          <style>{raw(STYLE)}</style>
        </head>
        <body>
          <main>{children}</main>
        </body>
      </html>
    </>
  );
}
