import { createHash } from "node:crypto";

import { fail } from "#base/errors.ts";
import { type Html, raw, toText } from "#html/html.ts";
import { prefersHtml } from "#http/accept.ts";
import { problemResponse } from "#http/problems.ts";
import { requestIdOf } from "#http/request-id.ts";

const STYLE = `
:root{color-scheme:light dark}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;box-sizing:border-box;background:#fff;color:#1c1c1a;font:1rem/1.5 system-ui,sans-serif}
main{max-width:28rem;overflow-wrap:anywhere}
h1{margin:0 0 .5rem;font-size:1.375rem;line-height:1.25}
p{margin:0;color:#5c5c57}
@media (prefers-color-scheme:dark){body{background:#171716;color:#ecece8}p{color:#aaaaa3}}
`;
const POLICY = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; base-uri 'none'; frame-ancestors 'none'`;

/** What answers under a host that is not ours: a page without assets, since none are served there. */
export function unknownHostPage(host: string, request: Request): Response {
  const error = fail("not_found", { what: `anything at the host "${host}"` });
  if (!prefersHtml(request.headers.get("accept"))) {
    const requestId = requestIdOf(request);
    return problemResponse(error, { ...(requestId && { requestId }) });
  }
  return new Response(toText(UnknownHost({ host })), {
    status: error.status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": POLICY,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    },
  });
}

function UnknownHost({ host }: { host: string }): Html {
  return (
    <>
      {raw("<!doctype html>\n")}
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <title>Nothing here</title>
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="robots" content="noindex" />
          <style>{raw(STYLE)}</style>
        </head>
        <body>
          <main>
            <h1>Nothing here</h1>
            <p>
              This server knows no site named <code>{host}</code>.
            </p>
          </main>
        </body>
      </html>
    </>
  );
}
