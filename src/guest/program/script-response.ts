import { type Body, BridgeError, type LinkResponse } from "#bridge/model.ts";

import { reported, toLinkResponse } from "../http/responses.ts";
import { encodeText, isObject, natives } from "../natives.ts";
import type { Run } from "../run.ts";

/** `res` of scripts. The first of `send`, `json` and `redirect` answers, at once; the rest of the script still runs. */
export type ScriptResponse = {
  status: (code: number) => ScriptResponse;
  header: (name: string, value: unknown) => ScriptResponse;
  send: (body?: unknown) => ScriptResponse;
  json: (value: unknown) => ScriptResponse;
  redirect: (url: unknown, code?: number) => ScriptResponse;
};

/** `res` and what became of it. */
export type ScriptAnswer = {
  res: ScriptResponse;
  /** Resolves as the script answers. */
  answered: Promise<LinkResponse>;
  /** Answers with nothing where the script did not: 204, or the status that it set. */
  finish: () => void;
  /** Answers so, or fails, where the script did not answer before. */
  fail: (instead: LinkResponse | BridgeError) => void;
};

/** `res` for one run. */
export function createScriptAnswer(
  run: Run,
  report: (error: unknown, run: Run) => void,
): ScriptAnswer {
  const outcome = createOutcome();
  const headers = new natives.Headers();
  let status: number | undefined;

  const setType = (type: string): void => {
    if (!headers.has("content-type")) headers.set("content-type", type);
  };
  const answer = (body: Body, usual: number): ScriptResponse => {
    const list: [string, string][] = [...headers];
    const done = outcome.settle({ status: status ?? usual, statusText: "", headers: list, body });
    if (!done) throw new TypeError("The script answered before: res.send() works once");
    return res;
  };
  const sendJson = (value: unknown): ScriptResponse => {
    const text = natives.stringify(value);
    if (text === undefined) throw new TypeError("res.json() takes what JSON can say");
    setType("application/json;charset=UTF-8");
    return answer(encodeText(text), 200);
  };
  const res: ScriptResponse = {
    status(code) {
      status = checkStatus(code);
      return res;
    },
    header(name, value) {
      if (name.toLowerCase() === "set-cookie") headers.append(name, String(value));
      else headers.set(name, String(value));
      return res;
    },
    send(body) {
      if (body === undefined || body === null) return answer(null, 204);
      if (body instanceof natives.Response) return sendResponse(body);
      const whole = toBody(body, setType);
      return whole === undefined ? sendJson(body) : answer(watched(whole, run, report), 200);
    },
    json: sendJson,
    redirect(url, code = 302) {
      headers.set("location", String(url));
      status = checkStatus(code);
      return answer(null, code);
    },
  };
  function sendResponse(response: Response): ScriptResponse {
    const { body, ...head } = toLinkResponse(response, run, report);
    for (const [name, value] of head.headers) headers.append(name, value);
    status ??= head.status;
    return answer(body, status);
  }
  return {
    res,
    answered: outcome.promise,
    finish() {
      if (!outcome.isSettled()) answer(null, 204);
    },
    fail: outcome.settle,
  };
}

function checkStatus(code: number): number {
  if (Number.isInteger(code) && code >= 200 && code <= 599) return code;
  throw new RangeError("An answer of a script has a status from 200 to 599");
}

type Outcome = {
  promise: Promise<LinkResponse>;
  /** False: it was settled before. */
  settle: (to: LinkResponse | BridgeError) => boolean;
  isSettled: () => boolean;
};

function createOutcome(): Outcome {
  const { promise, resolve, reject } = Promise.withResolvers<LinkResponse>();
  let settled = false;
  return {
    promise,
    isSettled: () => settled,
    settle(to) {
      if (settled) return false;
      settled = true;
      if (to instanceof BridgeError) reject(to);
      else resolve(to);
      return true;
    },
  };
}

/** The body, with what a stream fails with reported. */
function watched(body: Body, run: Run, report: (error: unknown, run: Run) => void): Body {
  return body instanceof natives.ReadableStream ? reported(body, run, report) : body;
}

/** The body for what is no JSON: a text (HTML where it looks so), bytes, a stream; undefined: it is none of these. */
function toBody(value: unknown, setType: (type: string) => void): Body | undefined {
  if (typeof value === "string") {
    setType(/^\s*</.test(value) ? "text/html;charset=UTF-8" : "text/plain;charset=UTF-8");
    return encodeText(value);
  }
  if (!isObject(value)) return undefined;
  const bytes = toBytes(value);
  if (bytes) setType("application/octet-stream");
  if (bytes) return bytes;
  return value instanceof natives.ReadableStream ? value : undefined;
}

function toBytes(value: object): Uint8Array | undefined {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (!ArrayBuffer.isView(value)) return undefined;
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}
