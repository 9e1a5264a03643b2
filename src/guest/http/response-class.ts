import type { Body } from "#bridge/model.ts";

import { natives } from "../natives.ts";
import { toBodyInit } from "./requests.ts";

/** A body that was whole when its Response was made. */
export type WholeBody = string | Uint8Array | null;

/**
 * The whole body of a Response that was made by `installResponse`; undefined where it is a stream or unknown.
 * Without it each body had to be read through a stream, which takes longer than all the rest of a small answer.
 */
export function wholeBodyOf(response: object): WholeBody | undefined {
  return Stamp.read(response);
}

/**
 * Makes `Response` remember whole bodies, and tell the type of a text in its headers as the standard wants it: Bun itself
 * adds that only as it sends.
 */
export function installResponse(): void {
  const Native = natives.Response;
  function Response(this: unknown, body?: unknown, init?: unknown): object {
    if (new.target === undefined)
      throw new TypeError("Class constructor Response cannot be invoked without 'new'");
    const args = [body, init];
    const response: Response =
      new.target === Response
        ? Reflect.construct(Native, args)
        : Reflect.construct(Native, args, new.target);
    stamp(response, body);
    return response;
  }
  for (const name of ["error", "redirect"] as const)
    Object.defineProperty(Response, name, {
      value: Native[name],
      writable: true,
      configurable: true,
    });
  Object.defineProperty(Response, "json", {
    value: (data: unknown, init?: ResponseInit) => jsonResponse(Response, data, init),
    writable: true,
    configurable: true,
  });
  Object.defineProperty(Response, "prototype", { value: Native.prototype, writable: false });
  Object.defineProperty(Native.prototype, "constructor", { value: Response, writable: true });
  Object.defineProperty(globalThis, "Response", { value: Response, writable: true });
}

/** What nearly all answers in JSON are made with; nothing that a program puts into prototypes is in it. */
const JSON_INIT = Object.freeze({
  __proto__: null,
  headers: Object.freeze({ __proto__: null, "content-type": "application/json" }),
});

function jsonResponse(make: object, data: unknown, init?: ResponseInit): unknown {
  const text = natives.stringify(data);
  if (text === undefined) throw new TypeError("Cannot make JSON of that value");
  if (init === undefined) return Reflect.construct(asConstructor(make), [text, JSON_INIT]);
  const head = new natives.Response(null, init);
  const { headers, status, statusText } = head;
  if (!headers.has("content-type")) headers.set("content-type", "application/json");
  return Reflect.construct(asConstructor(make), [text, { headers, status, statusText }]);
}

function asConstructor(value: object): new (...args: unknown[]) => unknown {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is the function above, which TypeScript calls a method
  return value as new (...args: unknown[]) => unknown;
}

function stamp(response: Response, body: unknown): void {
  if (typeof body === "string") {
    const { headers } = response;
    if (!headers.has("content-type")) headers.set("content-type", "text/plain;charset=UTF-8");
    Stamp.write(response, body);
  } else if (body === null || body === undefined) Stamp.write(response, null);
  else if (body instanceof Uint8Array) Stamp.write(response, new Uint8Array(body));
  else if (body instanceof ArrayBuffer) Stamp.write(response, new Uint8Array(body.slice(0)));
}

/** A Response whose body the guest itself knows; the bytes are not copied. */
export function makeResponse(body: Body, init: ResponseInit): Response {
  const response = new natives.Response(toBodyInit(body), init);
  if (body === null || body instanceof Uint8Array) Stamp.write(response, body);
  return response;
}

/** Gives back another object than it makes, so that what extends it puts its private fields on that. */
const Carrier = function (this: unknown, onto: object): object {
  return onto;
};

/** A private field on objects of others: unlike a WeakMap it costs nothing to speak of, and nobody else can see it. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a function is a constructor too
class Stamp extends (Carrier as unknown as new (onto: object) => object) {
  #body: WholeBody;
  constructor(onto: object, body: WholeBody) {
    super(onto);
    this.#body = body;
  }
  static write(onto: object, body: WholeBody): void {
    void new Stamp(onto, body);
  }
  static read(from: object): WholeBody | undefined {
    return #body in from ? from.#body : undefined;
  }
}
