/**
 * `src/http` is what every route needs and no feature owns: problems, cookies, CSRF, origins, limits, pages of lists.
 * Features' routes, `web/` and `src/server/` call it. It must never know a user or a package.
 */
import { Elysia, ValidationError } from "elysia";

import { fail, LandError, toLandError, toProblem } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import { prefersHtml } from "./accept.ts";
import { requestIdOf } from "./request-id.ts";

/** Makes the page that tells a browser of an error; undefined: answer with the problem document after all. */
export type ErrorPage = (
  error: LandError,
  request: Request,
) => Promise<Response | undefined> | Response | undefined;

/** What an answer to an error needs beside the error. */
export type ProblemOptions = { ctx: Ctx; page?: ErrorPage };

/**
 * Turns everything thrown by the routes into an answer (see `answerError`). Must be `.use`d before any route, since
 * Elysia's onError covers only what is registered after it.
 */
export function problems(options: ProblemOptions) {
  return new Elysia({ name: "problems" }).onError(
    { as: "global" },
    ({ error: thrown, code, request }) => answerError(options, errorOf(thrown, code), request),
  );
}

/** The answer to an error: a page for a browser outside /api, a problem document for all others. A bug is logged. */
export async function answerError(
  { ctx, page }: ProblemOptions,
  error: LandError,
  request: Request,
): Promise<Response> {
  const requestId = requestIdOf(request);
  if (error.code === "internal") ctx.log.error("bug", { requestId, cause: error.cause });
  const pathname = URL.parse(request.url)?.pathname ?? "/";
  const shown =
    page && !pathname.startsWith("/api/") && prefersHtml(request.headers.get("accept"))
      ? await page(error, request)
      : undefined;
  return (
    shown ??
    problemResponse(error, {
      typeBase: ctx.publicUrl(),
      instance: pathname,
      ...(requestId && { requestId }),
    })
  );
}

/** The `application/problem+json` answer of an error, with the headers its status asks for. */
export function problemResponse(
  error: LandError,
  about: { typeBase?: string; instance?: string; requestId?: string } = {},
): Response {
  return new Response(JSON.stringify(toProblem(error, about)), {
    status: error.status,
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      ...problemHeaders(error),
    },
  });
}

/** The headers that the status of an error asks for, for answers that are not a problem document. */
export function problemHeaders(error: LandError): Record<string, string> {
  const { retryAfterSeconds, limit, allow } = error.data ?? {};
  if (error.status === 401) return { "www-authenticate": "Bearer" };
  if (error.status === 405 && typeof allow === "string") return { allow };
  if (error.status !== 429 || typeof retryAfterSeconds !== "number") return {};
  const seconds = String(retryAfterSeconds);
  return {
    "retry-after": seconds,
    ...(typeof limit === "number" && {
      "ratelimit-limit": String(limit),
      "ratelimit-remaining": "0",
      "ratelimit-reset": seconds,
    }),
  };
}

function errorOf(thrown: unknown, code: string | number): LandError {
  if (code === "NOT_FOUND") return fail("not_found", { what: "this address" });
  // What our own parsers say of a body comes wrapped.
  if (code === "PARSE" && thrown instanceof Error && thrown.cause instanceof LandError)
    return thrown.cause;
  if (code === "PARSE")
    return fail("bad_request", { problem: "its body is not what its Content-Type says" });
  if (thrown instanceof ValidationError) return invalid(thrown);
  return toLandError(thrown);
}

/** Names the field and what is wrong with it. What was sent is not repeated: it may be a password. */
function invalid({ type, valueError }: ValidationError): LandError {
  const path = valueError?.path.slice(1).replaceAll("/", ".") ?? "";
  const message = valueError?.message ?? "it is not what the API takes";
  // Elysia's own message holds the value, and an answer may hold a secret: only where and what is logged.
  if (type === "response")
    return fail(
      "internal",
      {},
      { cause: new Error(`answer breaks its schema at "${path}": ${message}`) },
    );
  return fail("invalid_input", {
    field: printable(path === "" ? type : path),
    problem:
      valueError && valueError.value === undefined
        ? "it is missing"
        : wordProblem(valueError?.schema, message),
  });
}

/** TypeBox tells the pattern; a schema with a description of its own is told by that. */
function wordProblem(schema: unknown, message: string): string {
  if (message.startsWith("Expected string to match"))
    return described(schema) ?? "it has a form that is not allowed";
  return lowerFirst(message);
}

function described(schema: unknown): string | undefined {
  if (schema === null || typeof schema !== "object" || !("description" in schema)) return undefined;
  const { description } = schema;
  return typeof description === "string" ? `expected ${lowerFirst(description)}` : undefined;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
