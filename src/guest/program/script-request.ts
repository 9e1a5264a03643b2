import type { RequestHead } from "#bridge/model.ts";

import { decodeText, natives } from "../natives.ts";

/** `req` of scripts. */
export type ScriptRequest = {
  method: string;
  path: string;
  url: string;
  /** Of names that come twice, the last. */
  query: Record<string, string>;
  /** By names in lower case. */
  headers: Record<string, string>;
  /** The visitor's address. */
  address: string;
  readonly body: string;
  bytes: () => Uint8Array;
  json: () => unknown;
};

/** What `req.json()` throws where the body is none: the visitor's mistake, not the script's. */
export class BodyNotJson extends SyntaxError {
  override readonly name = "BodyNotJson";
}

/** `req` for one run. */
export function createScriptRequest(
  head: Pick<RequestHead, "method" | "url" | "headers" | "address">,
  bytes: Uint8Array,
): ScriptRequest {
  const url = new natives.URL(head.url);
  let text: string | undefined;
  const body = (): string => (text ??= decodeText(bytes));
  return {
    method: head.method,
    path: url.pathname,
    url: url.href,
    query: toRecord(url.searchParams),
    headers: toRecord(new natives.Headers(head.headers.map(([name, value]) => [name, value]))),
    address: head.address,
    get body() {
      return body();
    },
    bytes: () => bytes,
    json() {
      try {
        return natives.parse(body());
      } catch {
        throw new BodyNotJson("The body of the request is not JSON");
      }
    },
  };
}

function toRecord(pairs: Iterable<[string, string]>): Record<string, string> {
  const record: Record<string, string> = Object.create(null);
  for (const [name, value] of pairs) record[name] = value;
  return record;
}
