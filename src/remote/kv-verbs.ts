import { fail } from "#base/errors.ts";
import { KvKeyInfo, KvPage } from "#runtime/model.ts";

import { problemOfType } from "./answer.ts";
import type { Exchange } from "./exchange.ts";
import type { Transport, Watch } from "./network.ts";

/** What a registry does for the key-value stores of sites. */
export type KvVerbs = {
  /** The bytes of a key's value. */
  readKv: (site: string, key: string) => Promise<Uint8Array>;
  writeKv: (
    site: string,
    key: string,
    value: Uint8Array,
    about?: { ttlSeconds?: number | undefined },
  ) => Promise<KvKeyInfo>;
  deleteKv: (site: string, key: string) => Promise<void>;
  /** Keys by their bytes, at most 100. */
  listKv: (
    site: string,
    about: { prefix?: string | undefined; limit: number; cursor?: string | undefined },
  ) => Promise<KvPage>;
};

/** More than any server takes for one value. */
const MAX_VALUE_BYTES = 513 * 1024 * 1024;
const PIECE_BYTES = 131_072;

/** The verbs of key-value stores over one exchange. */
export function kvVerbs(exchange: Exchange): KvVerbs {
  const { ask, tell, send, transport } = exchange;
  return {
    readKv: (site, key) =>
      send(
        {
          method: "GET",
          path: keyPath(site, key),
          headers: { accept: "application/octet-stream, application/problem+json" },
        },
        (response, watch, url) => readBytes(response, { watch, url, transport }),
      ),
    writeKv: (site, key, value, { ttlSeconds } = {}) =>
      ask(KvKeyInfo, {
        method: "PUT",
        path: keyPath(site, key),
        query: { ttl: ttlSeconds?.toString() },
        stream: (watch) => streamOf(value, watch, transport),
      }),
    deleteKv: (site, key) => tell({ method: "DELETE", path: keyPath(site, key) }),
    listKv: (site, { prefix, limit, cursor }) =>
      ask(KvPage, {
        method: "GET",
        path: pathOf(site),
        query: { prefix, limit: String(limit), cursor },
      }),
  };
}

async function readBytes(
  response: Response,
  { watch, url, transport }: { watch: Watch; url: string; transport: Transport },
): Promise<Uint8Array> {
  const problem = problemOfType(response, "application/octet-stream");
  if (problem !== undefined) throw fail("bad_answer", { url, problem });
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  watch.next(transport.idleTimeoutMs);
  for await (const chunk of response.body ?? []) {
    watch.next(transport.idleTimeoutMs);
    sizeBytes += chunk.byteLength;
    if (sizeBytes > MAX_VALUE_BYTES)
      throw fail("bad_answer", { url, problem: `it is larger than ${MAX_VALUE_BYTES} bytes` });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function streamOf(
  value: Uint8Array,
  watch: Watch,
  { idleTimeoutMs, answerTimeoutMs }: Transport,
): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const piece = value.slice(sent, sent + PIECE_BYTES);
        sent += piece.byteLength;
        watch.next(sent < value.byteLength ? idleTimeoutMs : answerTimeoutMs);
        if (piece.byteLength > 0) controller.enqueue(piece);
        if (sent >= value.byteLength) controller.close();
      },
    },
    { highWaterMark: 1 },
  );
}

function pathOf(site: string): string {
  return `/sites/${encodeURIComponent(site)}/kv`;
}

function keyPath(site: string, key: string): string {
  return `${pathOf(site)}/${encodeURIComponent(key)}`;
}
