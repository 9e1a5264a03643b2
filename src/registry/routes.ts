import { Elysia } from "elysia";

import { identify } from "#accounts/actor.ts";
import { identifyWriter } from "#accounts/guard.ts";
import { parseJsonBody } from "#http/json.ts";
import { PageQuery, parsePage } from "#http/page.ts";
import type { Ctx } from "#store/ctx.ts";

import { archiveAnswer, encodingOf, indexAnswer, jsonAnswer, streamAnswer } from "./answers.ts";
import { openArchive, openBlob } from "./archive.ts";
import { sendArchives } from "./archives-many.ts";
import { readPackageBody, readVersionBody } from "./bodies.ts";
import { listDependents } from "./dependents.ts";
import { deprecate } from "./deprecate.ts";
import { readDownloads } from "./downloads.ts";
import { INDEX_SECONDS, readIndexes } from "./index-many.ts";
import { readIndex } from "./index.ts";
import {
  ArchivesBody,
  DependentPage,
  DeprecationBody,
  Downloads,
  DownloadsQuery,
  IndexesBody,
  Owner,
  OwnerPage,
  Package,
  PackagePage,
  PackageQuery,
  TagBody,
  TagEntry,
  TagPage,
  Version,
} from "./model.ts";
import { addOwner, listOwners, readOwner, removeOwner } from "./owners.ts";
import { publish } from "./publish.ts";
import { checkMayPublish } from "./rights.ts";
import { searchPackages } from "./search.ts";
import { deleteTag, listTags, readTag, writeTag } from "./tags.ts";
import { readUpload } from "./upload.ts";
import { unyank, yank } from "./yank.ts";

/** The registry API, to be mounted under /api/v1. */
export function registryRoutes(ctx: Ctx) {
  return new Elysia({ name: "registry" })
    .use(packageRoutes(ctx))
    .use(archiveRoutes(ctx))
    .use(bulkRoutes(ctx))
    .use(listRoutes(ctx))
    .use(yankRoutes(ctx))
    .use(tagRoutes(ctx))
    .use(ownerRoutes(ctx));
}

/** Bodies come ready made and are not checked against their schema again: the schemas are for the documentation. */
function packageRoutes(ctx: Ctx) {
  return new Elysia()
    .post(
      "/packages",
      async ({ request, status }) => {
        // The right first: until then not a byte of the body is read.
        const actor = checkMayPublish(await identifyWriter(ctx, request));
        return status(201, await publish(ctx, actor, await readUpload(ctx, actor, request)));
      },
      {
        parse: "none",
        response: { 201: Version },
        detail: {
          summary: "Publish a version",
          description:
            "multipart/form-data: `manifest` (JSON), `tarball` (file), `signature` (JSON, optional), in any order.",
          requestBody: { required: true, content: { "multipart/form-data": { schema: UPLOAD } } },
        },
      },
    )
    .get(
      "/packages/:name",
      async ({ request, params }) => {
        const actor = await identify(ctx, request);
        return jsonAnswer(ctx, request, await readPackageBody(ctx, actor, params.name));
      },
      { response: { 200: Package }, detail: { summary: "Read a package" } },
    )
    .get(
      "/packages/:name/:version",
      async ({ request, params: { name, version } }) => {
        const actor = await identify(ctx, request);
        return jsonAnswer(ctx, request, await readVersionBody(ctx, actor, name, version));
      },
      {
        response: { 200: Version },
        detail: { summary: "Read a version", description: "A tag or a range works too." },
      },
    )
    .get(
      "/index/:name",
      async ({ request, params }) => {
        const encoding = encodingOf(request);
        const actor = await identify(ctx, request);
        const body = await readIndex(ctx, actor, params.name, encoding);
        return indexAnswer(ctx, request, body, encoding);
      },
      {
        detail: {
          summary: "Read the index of a package",
          description: "NDJSON, one version a line, oldest first.",
        },
      },
    );
}

const text = { type: "string" } as const;
const UPLOAD = {
  type: "object" as const,
  required: ["manifest", "tarball"],
  properties: {
    manifest: { type: "object" as const },
    tarball: { ...text, format: "binary" },
    signature: {
      type: "object" as const,
      required: ["key", "sig"],
      properties: { key: text, sig: text },
    },
  },
};

function archiveRoutes(ctx: Ctx) {
  return new Elysia()
    .get(
      "/packages/:name/download",
      async ({ request, params }) => {
        const actor = await identify(ctx, request);
        const archive = await openArchive(ctx, actor, params.name, "latest");
        return archiveAnswer(ctx, request, archive, "moves");
      },
      { detail: { summary: "Download the latest version" } },
    )
    .get(
      "/packages/:name/:version/download",
      async ({ request, params: { name, version } }) => {
        const archive = await openArchive(ctx, await identify(ctx, request), name, version);
        const fixed = archive.version === version ? "stays" : "moves";
        return archiveAnswer(ctx, request, archive, fixed);
      },
      { detail: { summary: "Download a version" } },
    )
    .get(
      "/blobs/sha256/:hex",
      async ({ request, params }) => {
        const actor = await identify(ctx, request);
        const archive = await openBlob(ctx, actor, `sha256:${params.hex}`);
        return archiveAnswer(ctx, request, archive, "stays");
      },
      { detail: { summary: "Download an archive by its address" } },
    );
}

/** What an install needs of many packages, by one request each. */
function bulkRoutes(ctx: Ctx) {
  return new Elysia()
    .post(
      "/index",
      async ({ request, body }) => {
        const actor = await identify(ctx, request);
        const pieces = readIndexes(ctx, actor, body);
        return streamAnswer("application/x-ndjson", pieces, `private, max-age=${INDEX_SECONDS}`);
      },
      {
        parse: parseJsonBody,
        body: IndexesBody,
        detail: {
          summary: "Read the indexes of many packages",
          description:
            'NDJSON: for each package `{"package","etag"}` and the lines of its index, `{"package","unchanged":true}` or `{"package","absent":true}`. With `follow` also the packages that the newest versions within the ranges need. `Cache-Control` says how long a client may go by it without asking again.',
        },
      },
    )
    .post(
      "/archives",
      async ({ request, body }) => {
        const actor = await identify(ctx, request);
        return streamAnswer("application/x-land-archives", sendArchives(ctx, actor, body));
      },
      {
        parse: parseJsonBody,
        body: ArchivesBody,
        detail: {
          summary: "Download many archives",
          description:
            'One stream in the order asked for: for each archive a line `{"digest","size"}` and so many bytes, or `{"digest","missing":true}`.',
        },
      },
    );
}

function listRoutes(ctx: Ctx) {
  return new Elysia()
    .get(
      "/packages",
      async ({ request, query }) => searchPackages(ctx, await identify(ctx, request), query),
      {
        query: PackageQuery,
        response: { 200: PackagePage },
        detail: { summary: "Search packages" },
      },
    )
    .get(
      "/packages/:name/dependents",
      async ({ request, params, query }) =>
        listDependents(ctx, await identify(ctx, request), params.name, parsePage(query)),
      {
        query: PageQuery,
        response: { 200: DependentPage },
        detail: { summary: "List the packages that require a package" },
      },
    )
    .get(
      "/packages/:name/downloads",
      async ({ request, params, query: { days = "30" } }) =>
        readDownloads(ctx, await identify(ctx, request), params.name, Number(days)),
      {
        query: DownloadsQuery,
        response: { 200: Downloads },
        detail: { summary: "Read the downloads per day" },
      },
    );
}

function yankRoutes(ctx: Ctx) {
  return new Elysia()
    .delete(
      "/packages/:name/:version",
      async ({ request, params: { name, version }, status }) => {
        await yank(ctx, await identifyWriter(ctx, request), name, version);
        return status(204);
      },
      { parse: "none", detail: { summary: "Yank a version" } },
    )
    .put(
      "/packages/:name/:version/unyank",
      async ({ request, params: { name, version }, status }) => {
        await unyank(ctx, await identifyWriter(ctx, request), name, version);
        return status(204);
      },
      { parse: "none", detail: { summary: "Undo a yank" } },
    )
    .put(
      "/packages/:name/deprecation",
      async ({ request, params: { name }, body, status }) => {
        await deprecate(ctx, await identifyWriter(ctx, request), { name, ...body });
        return status(204);
      },
      { parse: parseJsonBody, body: DeprecationBody, detail: { summary: "Deprecate versions" } },
    );
}

function tagRoutes(ctx: Ctx) {
  return new Elysia({ prefix: "/packages/:name/tags" })
    .get(
      "/",
      async ({ request, params }) => listTags(ctx, await identify(ctx, request), params.name),
      { response: { 200: TagPage }, detail: { summary: "List the tags of a package" } },
    )
    .get(
      "/:tag",
      async ({ request, params }) => readTag(ctx, await identify(ctx, request), params),
      { response: { 200: TagEntry }, detail: { summary: "Read a tag" } },
    )
    .put(
      "/:tag",
      async ({ request, params, body: { version }, status }) => {
        await writeTag(ctx, await identifyWriter(ctx, request), { ...params, version });
        return status(204);
      },
      { parse: parseJsonBody, body: TagBody, detail: { summary: "Point a tag at a version" } },
    )
    .delete(
      "/:tag",
      async ({ request, params, status }) => {
        await deleteTag(ctx, await identifyWriter(ctx, request), params);
        return status(204);
      },
      { parse: "none", detail: { summary: "Remove a tag" } },
    );
}

function ownerRoutes(ctx: Ctx) {
  return new Elysia({ prefix: "/packages/:name/owners" })
    .get(
      "/",
      async ({ request, params }) => listOwners(ctx, await identify(ctx, request), params.name),
      { response: { 200: OwnerPage }, detail: { summary: "List the owners of a package" } },
    )
    .get(
      "/:user",
      async ({ request, params }) => readOwner(ctx, await identify(ctx, request), params),
      { response: { 200: Owner }, detail: { summary: "Tell whether a user owns a package" } },
    )
    .put(
      "/:user",
      async ({ request, params, status }) => {
        await addOwner(ctx, await identifyWriter(ctx, request), params);
        return status(204);
      },
      { parse: "none", detail: { summary: "Add an owner" } },
    )
    .delete(
      "/:user",
      async ({ request, params, status }) => {
        await removeOwner(ctx, await identifyWriter(ctx, request), params);
        return status(204);
      },
      { parse: "none", detail: { summary: "Remove an owner" } },
    );
}
