import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";

import { identify } from "#accounts/actor.ts";
import { identifyWriter } from "#accounts/guard.ts";
import { fail } from "#base/errors.ts";
import { parsePage } from "#http/page.ts";
import type { Ctx } from "#store/ctx.ts";

import { KvKeyInfo, KvPage } from "../model.ts";
import { toKvValue } from "./kv-answer.ts";
import type { KvEntry } from "./kv-model.ts";
import { deleteKv, type KvPutAbout, listKv, readKv, takeKv } from "./kv-verbs.ts";
import type { Kv } from "./kv.ts";

const ListQuery = Type.Object({
  prefix: Type.Optional(Type.String({ description: "What the keys begin with" })),
  limit: Type.Optional(Type.String({ description: "How many keys, 1 to 100; 20 by default" })),
  cursor: Type.Optional(Type.String({ description: "The `next` of the page before" })),
});
const PutQuery = Type.Object({
  ttl: Type.Optional(
    Type.String({
      pattern: "^[1-9]\\d{0,10}$",
      description: "Seconds after which the key is gone",
    }),
  ),
  metadata: Type.Optional(
    Type.String({ description: "JSON of at most 1,024 bytes that is kept with the value" }),
  ),
});

/** The key-value store of a site. */
export function kvRoutes(ctx: Ctx, kv: Kv) {
  return new Elysia({ name: "runtime.kv" }).use(readRoutes(ctx, kv)).use(writeRoutes(ctx, kv));
}

const PREFIX = "/sites/:site/kv";

function readRoutes(ctx: Ctx, kv: Kv) {
  return new Elysia({ prefix: PREFIX })
    .get(
      "/",
      async ({ request, params, query: { prefix = "", limit, cursor } }) =>
        listKv(ctx, kv, await identify(ctx, request), params.site, {
          prefix,
          cursor,
          limit: parsePage(limit === undefined ? {} : { limit }).limit,
        }),
      {
        query: ListQuery,
        response: { 200: KvPage },
        detail: {
          summary: "List keys of a site's key-value store",
          description: "In the order of their bytes.",
        },
      },
    )
    .get(
      "/:key",
      async ({ request, params }) => {
        const entry = await readKv(ctx, kv, await identify(ctx, request), params);
        return (request.headers.get("accept") ?? "").includes("application/json")
          ? Response.json(toKvValue(params.key, entry))
          : toFile(entry);
      },
      {
        detail: {
          summary: "Read a key of a site's key-value store",
          description:
            "The bytes of the value, with `X-Land-Versionstamp`, `X-Land-Metadata` (JSON) and `Expires`. With `Accept: application/json` an object: `key`, `value` (text, or base64 where `encoding` says so), `metadata`, `expiresAt`, `versionstamp`. The key is percent-encoded.",
        },
      },
    );
}

function writeRoutes(ctx: Ctx, kv: Kv) {
  return new Elysia({ prefix: PREFIX })
    .put(
      "/:key",
      async ({ request, params, query }) =>
        takeKv(
          ctx,
          kv,
          await identifyWriter(ctx, request),
          params,
          request,
          readAbout(request, query),
        ),
      {
        parse: "none",
        query: PutQuery,
        response: { 200: KvKeyInfo },
        detail: {
          summary: "Write a key of a site's key-value store",
          description:
            "The body is the value. `If-Match` with a versionstamp writes only where the key is that one, `If-None-Match: *` only where it is not there.",
        },
      },
    )
    .delete(
      "/:key",
      async ({ request, params, status }) => {
        await deleteKv(ctx, kv, await identifyWriter(ctx, request), params);
        return status(204);
      },
      { parse: "none", detail: { summary: "Remove a key of a site's key-value store" } },
    );
}

function readAbout(
  request: Request,
  { ttl, metadata }: { ttl?: string | undefined; metadata?: string | undefined },
): KvPutAbout {
  const match = request.headers.get("if-match");
  const stamp = /^"?([0-9a-f]{20})"?$/.exec(match ?? "")?.[1];
  if (match !== null && stamp === undefined)
    throw fail("invalid_input", { field: "If-Match", problem: "use one versionstamp" });
  const isNew = request.headers.get("if-none-match") === "*";
  return {
    ttlSeconds: ttl === undefined ? undefined : Number(ttl),
    metadata: metadata === undefined ? undefined : parseMetadata(metadata),
    versionstamp: isNew ? null : stamp,
  };
}

/** @throws invalid_input */
function parseMetadata(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw fail("invalid_input", { field: "metadata", problem: "it is not JSON" });
  }
}

/** The bytes alone. A program wrote them, and this is our own origin: a browser must save them and never show them. */
function toFile({ value, expiresAt, metadata, versionstamp }: KvEntry): Response {
  return new Response(Buffer.from(value), {
    headers: {
      "content-type": "application/octet-stream",
      "cache-control": "no-store",
      "content-disposition": "attachment",
      "content-security-policy": "sandbox; default-src 'none'",
      "x-content-type-options": "nosniff",
      vary: "accept",
      etag: `"${versionstamp}"`,
      "x-land-versionstamp": versionstamp,
      ...(metadata !== null && { "x-land-metadata": asciiJson(metadata) }),
      ...(expiresAt !== null && { expires: new Date(expiresAt).toUTCString() }),
    },
  });
}

function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
