import {
  BridgeError,
  type HeaderList,
  MAX_HEAD_BYTES,
  MAX_HEADERS,
  type RequestHead,
  type ResponseHead,
} from "./model.ts";

/** RFC 9110's token, in lower case. */
const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$/;
/** What no field may hold: with a line end it would be another field besides. */
const FORBIDDEN = /[^\t\x20-\x7e\x80-\xff]/;
const URL_START = /^(?:https?|wss?):\/\/[^/]/;
/** Names that were checked already; most come again and again. */
const known = new Set<string>();
const KNOWN_MAX = 1000;
const KNOWN_LENGTH = 64;

/**
 * The head of a request as text: its fields, one per line, then names and values of its headers in turn.
 *
 * Throws BridgeError `bad_head` where a part of it may not be sent
 */
export function encodeRequestHead(head: RequestHead): string {
  if (!METHOD.test(head.method)) throw bad("its method is none");
  if (!URL_START.test(head.url)) throw bad("its URL is not absolute");
  const { method, url, requestId, address, headers } = head;
  return encodeHead(`${method}\n${field(url)}\n${field(requestId)}\n${field(address)}`, headers);
}

/**
 * The head of an answer as text.
 *
 * Throws BridgeError `bad_head`
 */
export function encodeResponseHead(head: ResponseHead): string {
  if (!isStatus(head.status)) throw bad("its status is none");
  return encodeHead(`${head.status}\n${field(head.statusText)}`, head.headers);
}

/**
 * The head of a request from its text; the text comes from the other end and may be anything.
 *
 * Throws BridgeError `bad_head`
 */
export function decodeRequestHead(text: string): RequestHead {
  const fields = split(text);
  const [method = "", url = "", requestId = "", address = ""] = fields;
  if (fields.length < 4 || !METHOD.test(method)) throw bad("its method is none");
  if (!URL_START.test(url)) throw bad("its URL is not absolute");
  const headers = readHeaders(fields, 4);
  return { method, url: field(url), headers, requestId: field(requestId), address: field(address) };
}

/**
 * The head of an answer from its text.
 *
 * Throws BridgeError `bad_head`
 */
export function decodeResponseHead(text: string): ResponseHead {
  const fields = split(text);
  const [code = "", statusText = ""] = fields;
  const status = /^[1-5]\d\d$/.test(code) ? Number(code) : 0;
  if (fields.length < 2 || status === 0) throw bad("its status is none");
  return { status, statusText: field(statusText), headers: readHeaders(fields, 2) };
}

/** Heads that are remembered of one link, and the longest of them. */
const REMEMBERED = 16;
const REMEMBERED_LENGTH = 512;

/** Reads heads of answers as `decodeResponseHead` does, and gives the same object for the same text: most programs answer with few. */
export function createHeadReader(): (text: string) => ResponseHead {
  const before = new Map<string, ResponseHead>();
  return (text) => {
    const found = before.get(text);
    if (found) return found;
    const head = decodeResponseHead(text);
    if (text.length > REMEMBERED_LENGTH) return head;
    if (before.size >= REMEMBERED) before.clear();
    before.set(text, head);
    return head;
  };
}

function encodeHead(start: string, headers: HeaderList): string {
  if (headers.length > MAX_HEADERS) throw bad("it has too many headers");
  let text = start;
  for (const [name, value] of headers) {
    if (!isName(name)) throw bad("the name of a header is none");
    text += `\n${name}\n${field(value)}`;
  }
  if (text.length > MAX_HEAD_BYTES) throw bad("it is too large");
  return text;
}

/** A field as it is. One after another is several times as fast as the whole, which had to be put together for that. */
function field(text: string): string {
  if (FORBIDDEN.test(text)) throw bad("it holds a character that may not be sent");
  return text;
}

function split(text: string): string[] {
  if (text.length > MAX_HEAD_BYTES) throw bad("it is too large");
  // One more than fits, so that too many are seen.
  return text.split("\n", MAX_HEADERS * 2 + 6);
}

function readHeaders(fields: readonly string[], from: number): HeaderList {
  const count = (fields.length - from) / 2;
  if (!Number.isInteger(count)) throw bad("a header has no value");
  if (count > MAX_HEADERS) throw bad("it has too many headers");
  const headers: [string, string][] = [];
  for (let at = from; at < fields.length; at += 2) {
    const name = fields[at] ?? "";
    if (!isName(name)) throw bad("the name of a header is none");
    headers.push([name, field(fields[at + 1] ?? "")]);
  }
  return headers;
}

function isName(name: string): boolean {
  if (known.has(name)) return true;
  if (!NAME.test(name)) return false;
  if (known.size < KNOWN_MAX && name.length <= KNOWN_LENGTH) known.add(name);
  return true;
}

function isStatus(status: number): boolean {
  return Number.isInteger(status) && status >= 100 && status <= 599;
}

function bad(problem: string): BridgeError {
  return new BridgeError("bad_head", `The head cannot be sent: ${problem}`);
}
