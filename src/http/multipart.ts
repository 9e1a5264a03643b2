import { Readable } from "node:stream";

import { Busboy, type BusboyInstance } from "@fastify/busboy";

import { fail, LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";

import { type Pace, requirePace } from "./pace.ts";

/** What a form may hold. Every other part is refused. */
export type FormShape<T> = {
  /** Parts that are kept in memory, each with its most bytes. */
  texts: Readonly<Record<string, number>>;
  /** The one part that streams. */
  file: string;
  /** The whole body with its boundaries, in bytes. */
  limitBytes: number;
  pace: Pace;
  /** Takes the file as it arrives; the form is read on when it resolves. */
  takeFile: (content: AsyncIterable<Uint8Array>) => Promise<T>;
  /** Undoes `takeFile` where the form turns out bad after it. */
  dropFile: (taken: T) => Promise<void>;
};

/** A form read to its end. What did not come is not there. */
export type Form<T> = { texts: Partial<Record<string, string>>; file: T | undefined };

const MAX_PARTS = 16;
const MAX_HEADER_BYTES = 16 * 1024;

/**
 * Reads a `multipart/form-data` body as it arrives, in memory bounded by the texts. Parts may come in any order, each once.
 * Where it throws, nothing that `takeFile` made is left. A body that declares too much is refused before it is read.
 *
 * @throws unsupported_media_type, payload_too_large, too_slow, bad_request for a body cut short or malformed, invalid_input naming
 * the part, and what `takeFile` throws
 */
export async function readForm<T>(request: Request, shape: FormShape<T>): Promise<Form<T>> {
  const contentType = request.headers.get("content-type") ?? "";
  if (!/^multipart\/form-data\s*;/i.test(contentType) || !request.body)
    throw fail("unsupported_media_type", { expected: "multipart/form-data" });
  if (Number(request.headers.get("content-length") ?? 0) > shape.limitBytes)
    throw fail("payload_too_large", { limitBytes: shape.limitBytes });
  const texts = new Map<string, string>();
  let taking: Promise<T> | undefined;
  try {
    await parse(request, request.body, contentType, shape, {
      text(name, value) {
        if (texts.has(name)) throw refusePart(name, "the part came twice");
        texts.set(name, value);
      },
      file(content) {
        if (taking) throw refusePart(shape.file, "the part came twice");
        taking = shape.takeFile(content);
        return taking;
      },
    });
    return { texts: Object.fromEntries(texts), file: await taking };
  } catch (error) {
    await taking?.then(shape.dropFile, () => undefined);
    throw error instanceof LandError
      ? error
      : fail("bad_request", { problem: BROKEN }, { cause: error });
  }
}

const BROKEN = "its form data is malformed or ends too early";

/** Where the parts of one form go. */
type Sink = {
  text: (name: string, value: string) => void;
  file: (content: AsyncIterable<Uint8Array>) => Promise<unknown>;
};

/** Resolves when the last part was read and rejects at the first thing wrong; the body is then read no further. */
async function parse<T>(
  request: Request,
  body: ReadableStream<Uint8Array>,
  contentType: string,
  shape: FormShape<T>,
  sink: Sink,
): Promise<void> {
  const parser = openParser(contentType, shape);
  const source = Readable.from(limited(requirePace(body, shape.pace), shape.limitBytes), {
    objectMode: false,
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let file: Readable | undefined;
  let stopped = false;
  const stop = (error: unknown): void => {
    stopped = true;
    source.unpipe(parser);
    source.destroy();
    file?.destroy(error instanceof Error ? error : new Error(String(error)));
    reject(error);
  };
  const aborted = (): void => stop(new Error("the client went away"));
  const guarded = (step: () => void): void => {
    try {
      step();
    } catch (error) {
      stop(error);
    }
  };
  parser.on("field", (name, value, _nameCut, cut) =>
    guarded(() => {
      checkText(shape, name, value, cut);
      sink.text(name, value);
    }),
  );
  parser.on("file", (_name, content) => {
    // A stream that fails without a listener would end the process.
    content.on("error", () => undefined);
    guarded(() => {
      // The parser still hands out what it has at hand: of a refused form nothing more is taken, as it may never end.
      if (stopped) return;
      const taken = sink.file(content);
      file = content;
      taken.catch(stop);
    });
  });
  parser.on("partsLimit", () =>
    stop(fail("bad_request", { problem: "its form has too many parts" })),
  );
  parser.on("error", stop);
  parser.on("finish", resolve);
  source.on("error", stop);
  request.signal.addEventListener("abort", aborted, { once: true });
  if (request.signal.aborted) aborted();
  else source.pipe(parser);
  try {
    await promise;
  } finally {
    request.signal.removeEventListener("abort", aborted);
  }
}

function openParser<T>(contentType: string, shape: FormShape<T>): BusboyInstance {
  return new Busboy({
    headers: { "content-type": contentType },
    // Some clients send texts with a file name: what a part is, its name alone decides.
    isPartAFile: (name) => name === shape.file,
    limits: {
      parts: MAX_PARTS,
      fieldSize: Math.max(...Object.values(shape.texts)),
      headerSize: MAX_HEADER_BYTES,
    },
  });
}

function checkText<T>(shape: FormShape<T>, name: string, value: string, cut: boolean): void {
  const limitBytes = Object.hasOwn(shape.texts, name) ? shape.texts[name] : undefined;
  if (limitBytes === undefined) throw refusePart(name, "there is no such part");
  if (cut || Buffer.byteLength(value) > limitBytes)
    throw refusePart(name, `it is larger than ${limitBytes} bytes`);
}

function refusePart(name: string | undefined, problem: string): LandError {
  return fail("invalid_input", { field: printable(name ?? ""), problem });
}

async function* limited(
  body: AsyncIterable<Uint8Array>,
  limitBytes: number,
): AsyncGenerator<Uint8Array> {
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > limitBytes) throw fail("payload_too_large", { limitBytes });
    yield chunk;
  }
}
