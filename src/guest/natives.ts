/**
 * `src/guest` is what runs inside the sandbox, beside the code of a site. `land __guest` calls it.
 * It must never import above the bridge, nor rely on a global after that code has begun to run.
 */

/** Globals as they were before the program ran, which may replace any of them. */
export const natives = {
  Request: globalThis.Request,
  Response: globalThis.Response,
  Headers: globalThis.Headers,
  ReadableStream: globalThis.ReadableStream,
  AbortController: globalThis.AbortController,
  DecompressionStream: globalThis.DecompressionStream,
  URL: globalThis.URL,
  fetch: globalThis.fetch,
  inspect: Bun.inspect,
  inspectTable: Bun.inspect.table,
  parse: JSON.parse,
  stringify: JSON.stringify,
  now: Date.now,
  setInterval: globalThis.setInterval,
  exit: process.exit.bind(process),
  builtin: process.getBuiltinModule.bind(process),
};

/** UTF-8 of a text. */
export function encodeText(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Text of UTF-8; wrong bytes become U+FFFD. */
export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Whether it has properties. */
export function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

/** The property of that name, wherever it is; undefined for what has none. */
export function propertyOf(value: unknown, name: string): unknown {
  return isObject(value) ? Reflect.get(value, name) : undefined;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
