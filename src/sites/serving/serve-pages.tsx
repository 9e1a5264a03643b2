import { createHash } from "node:crypto";

import { raw, toText } from "#html/html.ts";

const STYLE = `
:root{color-scheme:light dark}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;box-sizing:border-box;background:#fff;color:#1c1c1a;font:1rem/1.5 system-ui,sans-serif}
main{max-width:28rem}
h1{margin:0 0 .5rem;font-size:1.375rem;line-height:1.25}
p{margin:0;color:#5c5c57}
@media (prefers-color-scheme:dark){body{background:#171716;color:#ecece8}p{color:#aaaaa3}}
`;
const POLICY = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; base-uri 'none'; frame-ancestors 'none'`;

/** Headers of every page that the server itself answers on a site. Nobody keeps them. */
export const PLAIN_PAGE_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": POLICY,
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
};

/** What the server itself says on a site that has no page of its own for it. */
const TEXTS = {
  400: ["Bad request", "The address of this request cannot be read."],
  404: ["Page not found", "There is nothing at this address."],
  405: ["Method not allowed", "This site shows files. It takes GET and HEAD."],
  410: ["Gone", "What was at this address is gone for good."],
  412: ["Precondition failed", "The file is not the one that the request named."],
  413: ["Too large", "What was sent is larger than this site takes."],
  416: ["Range not satisfiable", "The file does not have the bytes that were asked for."],
  429: ["Too many requests", "Wait a little, then load the page again."],
  451: ["Unavailable for legal reasons", "What is at this address may not be shown."],
  500: ["Something went wrong", "This page cannot be shown. Try again later."],
  502: ["Bad answer", "The program of this site answered what cannot be shown."],
  503: ["Not available now", "This page cannot be shown right now. Try again in a moment."],
  504: ["No answer in time", "The program of this site took too long. Try again in a moment."],
} as const;

const texts = new Map<number, string>();

/** A small page for a status. It names nothing but the status, so it tells no visitor what else is here. */
function plainPage(status: number): string {
  const made = texts.get(status) ?? render(status);
  texts.set(status, made);
  return made;
}

/** What a status is called on these pages. */
export function plainTitle(status: number): string {
  return textOf(status)[0];
}

function textOf(status: number): readonly [string, string] {
  const known = Object.entries(TEXTS).find(([code]) => Number(code) === status)?.[1];
  const title = status < 500 ? "Not possible" : "Something went wrong";
  return known ?? [title, "This page cannot be shown."];
}

function render(status: number, more: readonly string[] = []): string {
  const [title, text] = textOf(status);
  return plainDocument(title, [text, ...more]);
}

/** A page that looks like those of the server itself, to be sent with `PLAIN_PAGE_HEADERS`. */
export function plainDocument(title: string, paragraphs: readonly string[]): string {
  return toText(
    <>
      {raw("<!doctype html>\n")}
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <title>{title}</title>
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <style>{raw(STYLE)}</style>
        </head>
        <body>
          <main>
            <h1>{title}</h1>
            {paragraphs.map((text) => (
              <p>{text}</p>
            ))}
          </main>
        </body>
      </html>
    </>,
  );
}

/** The answer to a request with a page of the server's own; `more` are paragraphs besides its text. HEAD gets its length. */
export function plainResponse(
  request: Pick<Request, "method">,
  status: number,
  headers: Readonly<Record<string, string>> = {},
  more: readonly string[] = [],
): Response {
  const body = more.length === 0 ? plainPage(status) : render(status, more);
  return new Response(request.method === "HEAD" ? null : body, {
    status,
    headers: {
      ...PLAIN_PAGE_HEADERS,
      "content-length": String(Buffer.byteLength(body)),
      ...headers,
    },
  });
}
