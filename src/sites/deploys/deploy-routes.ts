import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";

import { identify } from "#accounts/actor.ts";
import { identifyWriter } from "#accounts/guard.ts";
import { fileResponse } from "#http/file.ts";
import { announceLength } from "#http/head.ts";
import { parseJsonBody } from "#http/json.ts";
import { PageQuery, parsePage } from "#http/page.ts";
import type { Ctx } from "#store/ctx.ts";

import {
  Deploy,
  DeployBody,
  DeployDiff,
  DeployFilePage,
  DeployPage,
  DeployPart,
  DeployStarted,
  FinalizeBody,
  Finalized,
  ReleasePage,
  RollbackBody,
} from "../model.ts";
import { deployArchive } from "./archive-deploy.ts";
import { addFiles, createDeploy } from "./deploy-create.ts";
import { deleteDeploy } from "./deploy-delete.ts";
import { diffDeploys } from "./deploy-diff.ts";
import { listDeployFiles } from "./deploy-files.ts";
import { finalizeDeploy } from "./deploy-finalize.ts";
import { listDeploys } from "./deploy-list.ts";
import { openDeployFile } from "./deploy-open.ts";
import { readDeploy } from "./deploy-read.ts";
import { listReleases } from "./release-list.ts";
import { rollback } from "./rollback.ts";
import { putBlob } from "./upload-blob.ts";
import { putBlobs, takeBlobs } from "./upload-tar.ts";

/** Who sends many tars knows what is missing still. @see RFC 7240 section 4.2 */
function prefersNothing({ headers }: Request): boolean {
  return /(?:^|[,;\s])return=minimal(?:$|[,;\s])/i.test(headers.get("prefer") ?? "");
}

/** The API of deploys, to be mounted under /api/v1. */
export function deployRoutes(ctx: Ctx) {
  return new Elysia()
    .use(actRoutes(ctx))
    .use(uploadRoutes(ctx))
    .use(historyRoutes(ctx))
    .use(contentRoutes(ctx));
}

function actRoutes(ctx: Ctx) {
  return new Elysia({ prefix: "/sites/:site" })
    .post(
      "/deploys",
      async ({ request, params, body, status }) =>
        status(201, await createDeploy(ctx, await identifyWriter(ctx, request), params.site, body)),
      {
        parse: parseJsonBody,
        body: DeployBody,
        response: { 201: DeployStarted },
        detail: {
          summary: "Begin a deploy",
          description:
            "Answers the digests that must be sent. Send large manifests in parts: the first here, the others with `…/deploys/:id/files`.",
        },
      },
    )
    .post(
      "/deploys/:id/files",
      async ({ request, params: { site, id }, body }) =>
        addFiles(ctx, await identifyWriter(ctx, request), site, id, body),
      {
        parse: parseJsonBody,
        body: DeployPart,
        response: { 200: DeployStarted },
        detail: { summary: "Add files to a deploy that was begun" },
      },
    )
    .post(
      "/deploys/:id/finalize",
      async ({ request, params: { site, id }, body }) =>
        finalizeDeploy(ctx, await identifyWriter(ctx, request), site, id, body),
      {
        parse: parseBodyIfAny,
        body: FinalizeBody,
        response: { 200: Finalized },
        detail: { summary: "Finish a deploy and make it live" },
      },
    )
    .post(
      "/rollback",
      async ({ request, params: { site }, body }) =>
        rollback(ctx, await identifyWriter(ctx, request), site, body),
      {
        parse: parseBodyIfAny,
        body: RollbackBody,
        response: { 200: Finalized },
        detail: {
          summary: "Point the site at another deploy",
          description: "By default at the one that was released before the live one.",
        },
      },
    );
}

/** Where every field may be left out, so may the body. */
async function parseBodyIfAny(context: { request: Request }): Promise<unknown> {
  const { headers, body } = context.request;
  return body === null || headers.get("content-length") === "0" ? {} : parseJsonBody(context);
}

function uploadRoutes(ctx: Ctx) {
  return new Elysia({ prefix: "/sites/:site/deploys/:id/blobs" })
    .put(
      "/sha256/:hex",
      async ({ request, params: { site, id, hex }, status }) => {
        const actor = await identifyWriter(ctx, request);
        await putBlob(ctx, actor, { site, deploy: id, hex }, request);
        return status(204);
      },
      { parse: "none", detail: { summary: "Send a blob that is missing" } },
    )
    .post(
      "/",
      async ({ request, params: { site, id }, status, set }) => {
        const actor = await identifyWriter(ctx, request);
        const about = { site, deploy: id };
        if (!prefersNothing(request)) return putBlobs(ctx, actor, about, request);
        await takeBlobs(ctx, actor, about, request);
        set.headers["preference-applied"] = "return=minimal";
        return status(204, undefined);
      },
      {
        parse: "none",
        response: { 200: DeployStarted, 204: Type.Void() },
        detail: {
          summary: "Send many blobs that are missing",
          description:
            "A tar whose entries are named by their digests, `<hex>` or `sha256/<hex>`. Answers what is missing still, or 204 at once to `Prefer: return=minimal`; where the tar is refused or cut, the blobs before that are kept.",
          requestBody: {
            required: true,
            content: { "application/x-tar": { schema: { type: "string", format: "binary" } } },
          },
        },
      },
    );
}

function historyRoutes(ctx: Ctx) {
  return new Elysia({ prefix: "/sites/:site" })
    .get(
      "/deploys",
      async ({ request, params: { site }, query }) =>
        listDeploys(ctx, await identify(ctx, request), site, parsePage(query)),
      {
        query: PageQuery,
        response: { 200: DeployPage },
        detail: { summary: "List the deploys of a site" },
      },
    )
    .get(
      "/deploys/:id",
      async ({ request, params: { site, id } }) =>
        readDeploy(ctx, await identify(ctx, request), site, id),
      { response: { 200: Deploy }, detail: { summary: "Read a deploy" } },
    )
    .delete(
      "/deploys/:id",
      async ({ request, params: { site, id }, status }) => {
        await deleteDeploy(ctx, await identifyWriter(ctx, request), site, id);
        return status(204);
      },
      { parse: "none", detail: { summary: "Remove a deploy that is not live" } },
    )
    .get(
      "/releases",
      async ({ request, params: { site }, query }) =>
        listReleases(ctx, await identify(ctx, request), site, parsePage(query)),
      {
        query: PageQuery,
        response: { 200: ReleasePage },
        detail: { summary: "List each time that a deploy went live" },
      },
    );
}

function contentRoutes(ctx: Ctx) {
  return new Elysia({ prefix: "/sites/:site/deploys/:id" })
    .get(
      "/files",
      async ({ request, params: { site, id }, query }) =>
        listDeployFiles(ctx, await identify(ctx, request), site, id, parsePage(query)),
      {
        query: PageQuery,
        response: { 200: DeployFilePage },
        detail: { summary: "List the files of a deploy" },
      },
    )
    .get(
      "/raw",
      async ({ request, params: { site, id }, query: { path } }) => {
        const actor = await identify(ctx, request);
        const offer = await openDeployFile(ctx, actor, site, id, path);
        const answer = fileResponse(request, offer);
        return request.method === "HEAD" && answer.status === 200
          ? announceLength(answer.headers, offer.sizeBytes)
          : answer;
      },
      {
        query: Type.Object({ path: Type.String() }),
        detail: { summary: "Download one file of a deploy" },
      },
    )
    .get(
      "/diff",
      async ({ request, params: { site, id }, query: { from } }) => {
        const about = { to: id, ...(from !== undefined && { from }) };
        return diffDeploys(ctx, await identify(ctx, request), site, about);
      },
      {
        query: Type.Object({ from: Type.Optional(Type.String()) }),
        response: { 200: DeployDiff },
        detail: {
          summary: "Compare a deploy with another",
          description: "By default with the one that was released before it.",
        },
      },
    );
}

const text = { type: "string" } as const;
const ARCHIVE = {
  type: "object" as const,
  required: ["file", "site_name"],
  properties: {
    file: { ...text, format: "binary" },
    site_name: text,
    message: text,
    draft: text,
  },
};

/** `POST /deploy`, to be mounted under /api. */
export function oneShotRoutes(ctx: Ctx) {
  return new Elysia().post(
    "/deploy",
    async ({ request, set }) => {
      set.headers["cache-control"] = "no-store";
      return deployArchive(ctx, await identifyWriter(ctx, request), request);
    },
    {
      parse: "none",
      response: { 200: Finalized },
      detail: {
        summary: "Deploy a zip or tar.gz in one request",
        description:
          "multipart/form-data: `file` (zip or tar.gz), `site_name`, `message` and `draft` (optional), in any order. The site is made if its name is free.",
        requestBody: { required: true, content: { "multipart/form-data": { schema: ARCHIVE } } },
      },
    },
  );
}
