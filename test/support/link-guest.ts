import { createLink } from "#bridge/link.ts";
import { type Body, DESCRIPTORS, type Link, type LinkResponse } from "#bridge/model.ts";
import { createSyncLink } from "#guest/program/sync-link.ts";
import { mapRing } from "#guest/ring.ts";
import { openTransport } from "#guest/transport.ts";

/** The process at the other end of the link in tests: it does what the path of a request says. */
let link: Link | undefined;
const transport = await openTransport({
  onBytes: (bytes) => link?.receive(bytes),
  onDrain: () => link?.drained(),
  onClose: () => process.exit(0),
});
const memory = mapRing();
const ok = (body: Body): LinkResponse => ({
  status: 200,
  statusText: "",
  headers: [["content-type", "text/plain"]],
  body,
});

const PATTERN = Uint8Array.from({ length: 1024 * 1024 + 251 }, (_, index) => index % 251);

/** Bytes that tell where they belong, so that whatever is lost or doubled shows. `chunkBytes` is at most 1 MB. */
function stream(bytes: number, chunkBytes: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes) return controller.close();
      const chunk = new Uint8Array(Math.min(chunkBytes, bytes - at));
      const start = at % 251;
      chunk.set(PATTERN.subarray(start, start + chunk.length));
      at += chunk.length;
      return controller.enqueue(chunk);
    },
  });
}

let sync: ReturnType<typeof createSyncLink> | undefined;
let left = 0;
async function answer(url: URL, body: Body, signal: AbortSignal): Promise<LinkResponse> {
  const bytes = Number(url.searchParams.get("bytes"));
  const chunk = Number(url.searchParams.get("chunk") ?? "65536");
  switch (url.pathname) {
    case "/hello":
      return ok(Buffer.from("hello"));
    case "/stream":
      return ok(stream(bytes, chunk));
    case "/whole":
      return ok(new Uint8Array(bytes).fill(7));
    case "/echo":
      return ok(body);
    case "/wait":
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          left += 1;
          reject(new Error("left"));
        });
      });
    case "/left":
      return ok(Buffer.from(String(left)));
    case "/calls": {
      const started = performance.now();
      for (let count = 0; count < bytes; count += 1) await link?.call("kv.get", { key: "a" });
      return ok(Buffer.from(String((performance.now() - started) / bytes)));
    }
    case "/flood":
      for (;;) {
        for (let count = 0; count < 200; count += 1) link?.note("log", { count });
        await new Promise(setImmediate);
      }
    case "/sync":
      sync ??= createSyncLink();
      return ok(Buffer.from(JSON.stringify(sync("kv.get", { key: "a" }))));
    case "/shrink": {
      const { ftruncateSync } = await import("node:fs");
      try {
        ftruncateSync(DESCRIPTORS.ring, 0);
        return ok(Buffer.from("shrunk"));
      } catch (error) {
        return ok(Buffer.from(error instanceof Error ? error.message : ""));
      }
    }
    case "/garbage":
      transport.write(Buffer.alloc(100, 0xff));
      return ok(null);
    default:
      throw new Error("unknown");
  }
}

link = createLink(
  "guest",
  transport,
  {
    onControl: () => process.exit(0),
    onRequest: (head, body, signal) => answer(new URL(head.url), body, signal),
    onCall: (_name, params, bytes) => ({ value: params, bytes }),
    onNote: () => undefined,
    onClose: () => process.exit(1),
  },
  memory && { memory },
);
link.control({ kind: "hello", version: 1 });
setInterval(() => undefined, 1e6);
