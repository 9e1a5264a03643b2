import { Readable } from "node:stream";

import { Busboy } from "@fastify/busboy";

import type { Actor } from "#accounts/actor.ts";
import { fail, LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { createTurns } from "#base/turns.ts";
import type { Ctx } from "#store/ctx.ts";

import type { Finalized } from "../model.ts";
import { requireSite, senderOf } from "../rights.ts";
import { parseFlag, parseMessage } from "./archive-deploy.ts";
import { createEntryCheck, type EntryCheck, toManifest } from "./archive-paths.ts";
import { type ArchiveContent, settleArchive } from "./archive-program.ts";
import { MAY_DEPLOY } from "./deploy-create.ts";
import { type DeployLimits, deployLimits } from "./deploy-limits.ts";
import type { ManifestFile } from "./deploy-paths.ts";
import { deployFromFiles } from "./deploy-whole.ts";
import { readBody } from "./upload-body.ts";
import { type BlobSink, createBlobSink } from "./upload-store.ts";

/** Folders of one account read at the same time. */
const inTurn = createTurns(2);
/** Boundary and headers of a part. */
const PART_BYTES = 2048;
/** Texts besides files; `_csrf` was checked by who called. */
const TEXTS: readonly string[] = ["message", "draft", "_csrf"];

/**
 * Deploys a folder that a page sends: `multipart/form-data` with one part `file` for each file, whose file name is the path
 * within the folder, and optionally `message` and `draft`. Each file streams to the disk. A part of a zip has no business here.
 *
 * @throws unauthenticated, scope_missing, site_not_found, site_role, unsupported_media_type, payload_too_large, too_slow,
 * bad_request, invalid_input, archive_invalid and archive_too_large naming the file; and as `settleArchive`, `createDeploy` and `finalizeDeploy`
 */
export async function readFolderUpload(
  ctx: Ctx,
  actor: Actor,
  request: Request,
  name: string,
): Promise<Finalized> {
  const { site } = await requireSite(ctx, actor, name, MAY_DEPLOY);
  const limits = deployLimits(ctx, site);
  return inTurn(String(actor.userId), async () => {
    const { content, texts } = await readParts(ctx, actor, request, limits);
    return deployFromFiles(ctx, actor, name, {
      ...content,
      message: parseMessage(texts.get("message")),
      draft: parseFlag("draft", texts.get("draft")),
      source: "browser",
    });
  });
}

type Parts = { content: ArchiveContent; texts: ReadonlyMap<string, string> };

async function readParts(
  ctx: Ctx,
  actor: Actor,
  request: Request,
  limits: DeployLimits,
): Promise<Parts> {
  const contentType = request.headers.get("content-type") ?? "";
  if (!/^multipart\/form-data\s*;/i.test(contentType) || !request.body)
    throw fail("unsupported_media_type", { expected: "multipart/form-data" });
  const limitBytes = limits.deployBytes + limits.files * PART_BYTES;
  const sink = createBlobSink(ctx, senderOf(actor));
  const files: ManifestFile[] = [];
  const texts = new Map<string, string>();
  const take = createTaker(sink, createEntryCheck(limits), limits, files);
  try {
    await parse(readBody(ctx, request, limitBytes), contentType, limits, take, texts);
    const manifest = await toManifest(files);
    await sink.finish();
    return { content: await settleArchive(ctx, manifest), texts };
  } catch (error) {
    await sink.abandon();
    throw error instanceof LandError
      ? error
      : fail(
          "bad_request",
          { problem: "its form data is malformed or ends too early" },
          { cause: error },
        );
  }
}

type Take = (path: string, content: AsyncIterable<Uint8Array>) => Promise<void>;

/** Takes one file after another: the parser may hand out several small ones at once. */
function createTaker(
  sink: BlobSink,
  { accept }: EntryCheck,
  limits: DeployLimits,
  files: ManifestFile[],
): Take {
  let turn: Promise<void> = Promise.resolve();
  let sent = 0;
  const takeOne: Take = async (name, content) => {
    const path = accept({ name, kind: "file", sizeBytes: 0 });
    if (path === undefined) {
      for await (const _ of content);
      return;
    }
    const { digest, sizeBytes } = await sink.add(content, limits.fileBytes);
    sent += sizeBytes;
    if (sent > limits.deployBytes)
      throw fail("payload_too_large", { limitBytes: limits.deployBytes });
    files.push({ path, digest, sizeBytes });
  };
  return (name, content) => {
    turn = turn.then(() => takeOne(name, content));
    return turn;
  };
}

async function parse(
  body: AsyncIterable<Uint8Array>,
  contentType: string,
  limits: DeployLimits,
  take: Take,
  texts: Map<string, string>,
): Promise<void> {
  const parser = new Busboy({
    headers: { "content-type": contentType },
    preservePath: true,
    isPartAFile: (field) => field === "file",
    limits: {
      parts: limits.files + TEXTS.length,
      fieldSize: 8192,
      fieldNameSize: 100,
      headerSize: 16 * 1024,
    },
  });
  const source = Readable.from(body, { objectMode: false });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let taken: Promise<void> = Promise.resolve();
  const stop = (error: unknown): void => {
    source.unpipe(parser);
    source.destroy();
    reject(error);
  };
  parser.on("file", (_field, content, filename) => {
    // A stream that fails without a listener would end the process.
    content.on("error", () => undefined);
    taken = take(filename ?? "", content);
    taken.catch(stop);
  });
  parser.on("field", (field, value, _nameCut, cut) => {
    if (!TEXTS.includes(field) || cut || texts.has(field)) stop(refusePart(field));
    else texts.set(field, value);
  });
  parser.on("partsLimit", () =>
    stop(
      fail("quota_exceeded", {
        what: "the deploy",
        limit: limits.files,
        needed: limits.files + 1,
        unit: "files",
      }),
    ),
  );
  parser.on("error", stop);
  source.on("error", stop);
  parser.on("finish", () => void taken.then(resolve, reject));
  source.pipe(parser);
  await promise;
}

function refusePart(field: string): Error {
  return fail("invalid_input", {
    field: printable(field),
    problem: "there is no such part, or it came twice or is too large",
  });
}
