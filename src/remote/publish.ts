import { fail, LandError } from "#base/errors.ts";
import type { Digest } from "#base/names.ts";
import type { JsonMap } from "#pack/json.ts";
import type { Signature } from "#pack/sign.ts";
import { Version } from "#registry/model.ts";

import { type Exchange, type Outgoing, readJsonAnswer } from "./exchange.ts";
import type { Transport, Watch } from "./network.ts";
import { type Try, withRetry } from "./retry.ts";

/** What a publish sends. */
export type Publication = {
  name: string;
  version: string;
  /** The manifest as it stands in the archive. */
  manifest: JsonMap;
  archive: Uint8Array;
  /** Of the archive. */
  digest: Digest;
  signature?: Signature;
  /** Called as the archive goes out, with its bytes sent so far. Begins anew where it is sent again. */
  onSent?: (bytes: number) => void;
};

const PIECE_BYTES = 65_536;
const CHECKING_FACTOR = 4;

/**
 * Publishes a version. Where the connection breaks after sending began, nobody knows whether it was taken: then the
 * registry is asked for that version, and the archive sent again only if it is not there.
 *
 * @throws version_exists where it is there with other bytes, network, and what the registry tells
 */
export async function publishArchive(
  exchange: Exchange,
  publication: Publication,
): Promise<Version> {
  const { transport, registry } = exchange;
  const url = `${registry}/api/v1/packages`;
  let uncertain = false;
  return withRetry(transport, url, async () => {
    const there = uncertain ? await findPublished(exchange, publication) : undefined;
    if (there) return { done: true, value: there };
    const tried = await exchange.sendOnce(
      outgoingOf(publication, transport),
      (response, watch, at) => readJsonAnswer(Version, response, { watch, url: at, transport }),
    );
    uncertain = !tried.done && tried.error === undefined;
    return finishTry(tried);
  });
}

/** A refusal that may pass was no half-done publish: the user is told at once instead of sending 100 MB again. */
function finishTry(tried: Try<Version>): Try<Version> {
  if (!tried.done && tried.error) throw tried.error;
  return tried;
}

/** The version as the registry has it, where it has these very bytes. @throws version_exists where it has others */
async function findPublished(
  exchange: Exchange,
  { name, version, digest }: Publication,
): Promise<Version | undefined> {
  const path = `/packages/${encodeURIComponent(name)}/${encodeURIComponent(version)}`;
  try {
    const found = await exchange.ask(Version, { method: "GET", path });
    if (found.digest === digest) return found;
  } catch (error) {
    if (error instanceof LandError && error.status === 404 && error.code !== "bad_answer")
      return undefined;
    throw error;
  }
  throw fail("version_exists", { name, version });
}

function outgoingOf(publication: Publication, transport: Transport): Outgoing {
  const { manifest, signature, archive, onSent } = publication;
  const boundary = `land-${new Bun.CryptoHasher("sha256").update(archive).digest("hex")}`;
  const head = Buffer.concat([
    jsonPart(boundary, "manifest", manifest),
    ...(signature ? [jsonPart(boundary, "signature", signature)] : []),
    Buffer.from(
      `--${boundary}\r\ncontent-disposition: form-data; name="tarball"; filename="package.tgz"\r\ncontent-type: application/gzip\r\n\r\n`,
    ),
  ]);
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  const sizeBytes = head.length + archive.length + tail.length;
  return {
    method: "POST",
    path: "/packages",
    headers: {
      "content-type": `multipart/form-data; boundary=${boundary}`,
      "content-length": String(sizeBytes),
    },
    stream: (watch) => streamOf([head, archive, tail], watch, transport, onSent),
  };
}

function jsonPart(boundary: string, name: string, value: unknown): Buffer {
  return Buffer.from(
    `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(value)}\r\n`,
  );
}

/** Hands out one piece whenever the socket takes more, so that progress is what really went. */
function streamOf(
  [head, archive, tail]: [Uint8Array, Uint8Array, Uint8Array],
  watch: Watch,
  { idleTimeoutMs, answerTimeoutMs }: Transport,
  onSent: (bytes: number) => void = () => undefined,
): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => controller.enqueue(head),
      pull(controller) {
        watch.next(idleTimeoutMs);
        if (sent >= archive.length) {
          // The registry reads the whole archive before it answers.
          watch.next(answerTimeoutMs * CHECKING_FACTOR);
          controller.enqueue(tail);
          controller.close();
          return;
        }
        const piece = archive.subarray(sent, sent + PIECE_BYTES);
        sent += piece.length;
        controller.enqueue(piece);
        onSent(sent);
      },
    },
    { highWaterMark: 1 },
  );
}
