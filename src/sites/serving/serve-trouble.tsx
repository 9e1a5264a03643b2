import { prefersHtml } from "#http/accept.ts";

import { plainResponse, plainTitle } from "./serve-pages.tsx";

/** Why the program of a site did not answer, as far as a visitor may know. */
export type ProgramTrouble = {
  status: number;
  code: string;
  retryAfterSeconds?: number;
  requestId: string;
};

/**
 * The answer of the server where a program gave none: a page for a browser, else a problem document. It names the request, by
 * which the owner finds the rest in the site's log, and never a message of the program.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9457
 */
export function programTrouble(request: Request, trouble: ProgramTrouble): Response {
  const { status, code, retryAfterSeconds, requestId } = trouble;
  const headers = {
    "x-land-code": code,
    ...(retryAfterSeconds !== undefined && { "retry-after": String(retryAfterSeconds) }),
  };
  if (prefersHtml(request.headers.get("accept")))
    return plainResponse(request, status, headers, [`Request ${requestId}`]);
  const problem = JSON.stringify({ title: plainTitle(status), status, code, requestId });
  return new Response(request.method === "HEAD" ? null : problem, {
    status,
    headers: {
      "content-type": "application/problem+json",
      "content-length": String(Buffer.byteLength(problem)),
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...headers,
    },
  });
}
