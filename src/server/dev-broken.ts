import { prefersHtml } from "#http/accept.ts";
import type { ProgramAnswer, ProgramAsk } from "#sites/serving/program.ts";
import { PLAIN_PAGE_HEADERS, plainDocument } from "#sites/serving/serve-pages.tsx";

const STATUS = 500;
const CODE = "program_broken";
const PROBLEM_HEADERS = {
  "content-type": "application/problem+json",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
};
const TITLE = "The program cannot be bundled";

/** What is answered instead of a program that cannot be bundled: a page that tells why, for its author alone; for others than browsers a problem document. */
export function brokenAnswer({ request, requestId }: ProgramAsk, problem: string): ProgramAnswer {
  const isPage = prefersHtml(request.headers.get("accept"));
  const body = isPage
    ? plainDocument(TITLE, problem.split("\n"))
    : JSON.stringify({ title: TITLE, status: STATUS, detail: problem, code: CODE, requestId });
  const headers = {
    ...(isPage ? PLAIN_PAGE_HEADERS : PROBLEM_HEADERS),
    "content-length": String(Buffer.byteLength(body)),
    "x-land-code": CODE,
  };
  const bytes = Buffer.byteLength(body);
  const sent = request.method === "HEAD" ? null : body;
  return { response: new Response(sent, { status: STATUS, headers }), bytes };
}
