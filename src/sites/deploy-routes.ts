import { Elysia } from "elysia";

import { identifyWriter } from "#accounts/guard.ts";
import { parseJsonBody } from "#http/json.ts";
import type { Ctx } from "#store/ctx.ts";

import { addFiles, createDeploy } from "./deploy-create.ts";
import { finalizeDeploy } from "./deploy-finalize.ts";
import {
  DeployBody,
  DeployPart,
  DeployStarted,
  FinalizeBody,
  Finalized,
  RollbackBody,
} from "./model.ts";
import { rollback } from "./rollback.ts";
import { putBlob } from "./upload-blob.ts";

/** The API of deploys, to be mounted under /api/v1. */
export function deployRoutes(ctx: Ctx) {
  return new Elysia().use(actRoutes(ctx)).use(uploadRoutes(ctx));
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
        parse: parseJsonBody,
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
        parse: parseJsonBody,
        body: RollbackBody,
        response: { 200: Finalized },
        detail: {
          summary: "Point the site at another deploy",
          description: "By default at the one that was released before the live one.",
        },
      },
    );
}

function uploadRoutes(ctx: Ctx) {
  return new Elysia({ prefix: "/sites/:site/deploys/:id/blobs" }).put(
    "/sha256/:hex",
    async ({ request, params: { site, id, hex }, status }) => {
      const actor = await identifyWriter(ctx, request);
      await putBlob(ctx, actor, { site, deploy: id, hex }, request.body);
      return status(204);
    },
    { parse: "none", detail: { summary: "Send a blob that is missing" } },
  );
}

/** To be written by its owner. */
export function oneShotRoutes(_ctx: Ctx) {
  return new Elysia();
}
