import type { Static, TSchema } from "@sinclair/typebox";
import { Value, type ValueError, ValueErrorType } from "@sinclair/typebox/value";

import { fail, fromProblem, LandError, type Problem } from "#base/errors.ts";
import { printable, printableLines } from "#base/names.ts";
import { isMap } from "#pack/json.ts";

import type { Watch } from "./network.ts";

/** Most bytes that an answer of a kind may have. */
export const ANSWER_LIMITS = { problem: 65_536, json: 33_554_432, index: 67_108_864 } as const;

const MAX_TEXT = 4000;

/**
 * Reads a body that is not larger than `limitBytes`, unpacked.
 *
 * @throws bad_answer where it is larger; an error of the connection comes out as it is
 */
export async function readBody(
  response: Response,
  about: { url: string; limitBytes: number; watch: Watch; idleTimeoutMs: number },
): Promise<string> {
  const { url, limitBytes, watch, idleTimeoutMs } = about;
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  watch.next(idleTimeoutMs);
  for await (const chunk of response.body ?? []) {
    watch.moved(chunk.byteLength, idleTimeoutMs);
    sizeBytes += chunk.byteLength;
    if (sizeBytes > limitBytes)
      throw fail("bad_answer", { url, problem: `it is larger than ${limitBytes} bytes` });
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

/** Leaves a body that nobody reads, whatever became of its connection meanwhile. */
export async function dropBody(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}

/**
 * The JSON of an answer, of the shape that was promised. Members we do not know are left in.
 *
 * @throws bad_answer naming the first member that is wrong
 */
export function parseAnswer<T extends TSchema>(schema: T, text: string, url: string): Static<T> {
  const value = parseJson(text, url);
  if (fits(schema, value)) return value;
  const at = wrongMember(schema, value);
  throw fail("bad_answer", { url, problem: `"${printable(at)}" is missing or of another form` });
}

/** Texts below this size are never deep enough to do harm. */
const SHALLOW_CHARACTERS = 100_000;
const MAX_DEPTH = 64;

/** Whether brackets stand in each other deeper than any answer of ours. To parse a million of them takes gigabytes. */
function isTooDeep(text: string): boolean {
  if (text.length < SHALLOW_CHARACTERS) return false;
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]+|\\[\s\S])*"?|[{}[\]]/g)) {
    if (token === "{" || token === "[") depth += 1;
    if (token === "}" || token === "]") depth -= 1;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}

/** The text of an answer as JSON. @throws bad_answer */
export function parseJson(text: string, url: string): unknown {
  if (isTooDeep(text)) throw fail("bad_answer", { url, problem: "it is nested too deep" });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw fail("bad_answer", { url, problem: "it is not JSON" }, { cause });
  }
}

/** What is wrong with the media type of an answer, undefined where it is the one expected. */
export function problemOfType(response: Response, expected: string): string | undefined {
  const type = mediaType(response);
  if (type === expected) return undefined;
  return type === "text/html"
    ? "it is a web page"
    : `it is ${type === "" ? "of no stated type" : printable(type)}, not ${expected}`;
}

/** The error that a registry tells. Its texts are made safe for a terminal and cut; other answers are `bad_answer`. */
export function errorOf(response: Response, text: string, url: string): LandError {
  const problem = readProblem(response, text);
  if (problem) return fromProblem(problem);
  const kind = problemOfType(response, "application/problem+json") ?? "its error is not readable";
  return fail("bad_answer", { url, problem: `status ${response.status}, and ${kind}` });
}

function readProblem(response: Response, text: string): Problem | undefined {
  if (mediaType(response) !== "application/problem+json") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isMap(value) || typeof value["code"] !== "string") return undefined;
  const { code, title, detail, hint, requestId, data } = value;
  const own = typeof detail === "string" && detail !== "" ? detail : `Status ${response.status}`;
  return {
    type: "about:blank",
    title: typeof title === "string" ? printable(title) : "Refused",
    status: response.status,
    detail: cut(own),
    code: /^[a-z][a-z0-9_]{0,63}$/.test(code) ? code : "unknown",
    ...(typeof hint === "string" && hint !== "" && { hint: cut(hint) }),
    ...(typeof requestId === "string" && { requestId: printable(requestId) }),
    ...(isMap(data) && { data: { ...data } }),
  };
}

function cut(text: string): string {
  return printableLines(text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text);
}

function mediaType(response: Response): string {
  return (response.headers.get("content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

function fits<T extends TSchema>(schema: T, value: unknown): value is Static<T> {
  return wrongMember(schema, value) === "";
}

/** Formats are left to the eye: which of them are known is global to the process, and nothing here rests on one. */
function wrongMember(schema: TSchema, value: unknown): string {
  for (const error of Value.Errors(schema, value))
    if (!isOnlyFormat(error)) return error.path.slice(1) || "the whole";
  return "";
}

/** A union fails as a whole, so it is fine where one of its members fails by a format alone. */
function isOnlyFormat(error: ValueError): boolean {
  const { type, errors } = error;
  if (type === ValueErrorType.Union)
    return errors.some((member) => [...member].every((inner) => isOnlyFormat(inner)));
  return type === ValueErrorType.StringFormatUnknown || type === ValueErrorType.StringFormat;
}
