import { Elysia } from "elysia";

import { fail, type LandError } from "#base/errors.ts";
import type { ApiPaths } from "#http/api-text.ts";
import { problemHeaders } from "#http/problems.ts";
import { requestIdOf } from "#http/request-id.ts";
import type { Ctx } from "#store/ctx.ts";

import { accountPages } from "./account-pages.tsx";
import { ApiPage } from "./api-page.tsx";
import { type Asset, findAsset, logoAsset } from "./assets.ts";
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
