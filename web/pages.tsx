import { Elysia } from "elysia";

import { fail, type LandError } from "#base/errors.ts";
import { type Html, raw, toText } from "#html/html.ts";
import { prefersHtml } from "#http/accept.ts";
import type { ApiPaths } from "#http/api-text.ts";
import { problemHeaders, problemResponse } from "#http/problems.ts";
import { requestIdOf } from "#http/request-id.ts";
import type { Ctx } from "#store/ctx.ts";

import { accountPages } from "./account-pages.tsx";
import { ApiPage } from "./api-page.tsx";
import { type Asset, CONTENT_SECURITY_POLICY, findAsset, logoAsset } from "./assets.ts";
import { ErrorCodePage, ErrorPage, ErrorsPage, findCode } from "./error.tsx";
import { answerPage, readVisit } from "./frame.ts";
import type { Frame } from "./layout.tsx";
import { packagePages } from "./package-pages.tsx";
import { settingsPages } from "./settings-pages.tsx";
import { sitesForms } from "./sites-forms.ts";
import { sitesPages } from "./sites-pages.ts";

/** The website: every page and form, the errors' explanations and the assets. */
export function pages(ctx: Ctx) {
  return new Elysia({ name: "web" })
    .use(packagePages(ctx))
    .use(accountPages(ctx))
    .use(settingsPages(ctx))
    .use(sitesPages(ctx))
    .use(sitesForms(ctx))
    .get("/errors", async ({ request }) => answerPage(ErrorsPage(await readVisit(ctx, request))))
    .get("/errors/:code", async ({ request, params }) => {
      const code = findCode(params.code);
      if (code === undefined) throw fail("not_found", { what: "an error of that code" });
      const { frame } = await readVisit(ctx, request);
      return answerPage(ErrorCodePage({ frame, code }));
    })
    .get("/assets/:file", ({ params }) => {
      const asset = findAsset(`/assets/${params.file}`);
      if (!asset) throw fail("not_found", { what: "this file" });
      return answerAsset(asset);
    })
    .get("/favicon.ico", () => answerAsset(logoAsset));
}

/** The reference of the API as a page. */
export async function apiPage(ctx: Ctx, request: Request, paths: ApiPaths): Promise<Response> {
  return answerPage(ApiPage({ frame: (await readVisit(ctx, request)).frame, paths }));
}

/** The page that tells a browser of an error. */
export async function pageOfError(ctx: Ctx, error: LandError, request: Request): Promise<Response> {
  const requestId = requestIdOf(request) ?? "";
  const headers = problemHeaders(error);
  return answerPage(ErrorPage({ frame: await frameOfError(ctx, request), error, requestId }), {
    status: error.status,
    isSecret: true,
    headers,
  });
}

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
      "content-security-policy": CONTENT_SECURITY_POLICY,
      "cache-control": "no-store",
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
          <meta name="color-scheme" content="light dark" />
        </head>
        <body>
          <h1>Nothing here</h1>
          <p>
            This server knows no site named <code>{host}</code>.
          </p>
        </body>
      </html>
    </>
  );
}

/** The frame where even reading who asks may be what failed. */
async function frameOfError(ctx: Ctx, request: Request): Promise<Frame> {
  try {
    return (await readVisit(ctx, request)).frame;
  } catch {
    return { user: undefined, csrf: "", publicUrl: ctx.publicUrl(), now: ctx.now() };
  }
}

function answerAsset({ body, headers }: Asset): Response {
  return new Response(body, { headers });
}
