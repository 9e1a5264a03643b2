import type { Body, HeaderList, LinkResponse } from "#bridge/model.ts";

import { encodeText, natives } from "../natives.ts";
import { type Run, within } from "../run.ts";
import { wholeBodyOf } from "./response-class.ts";
import { lengthOf } from "./stream-lengths.ts";

/**
 * What the host is told of a program's Response. A body that is not whole is given on as a stream, and the head does not wait
 * for it; `report` gets what that stream fails with.
 *
 * @throws TypeError where it is none, or its body was read before
 */
export function toLinkResponse(response: unknown, run: Run, report: Report): LinkResponse {
  if (!(response instanceof natives.Response))
    throw new TypeError("The program gave back no Response");
  if (response.bodyUsed) throw readBefore();
  const headers = listOf(response.headers);
  return {
    status: response.status === 0 ? 500 : response.status, // Response.error()
    statusText: response.statusText,
    headers: wholeBodyOf(response) === undefined ? withLength(headers, response.body) : headers,
    body: bodyOf(response, run, report),
  };
}

/**
 * Headers that tell the length of a stream where that is known, and nothing else of it: what they say is most often copied from
 * another answer, whose body was changed since. So it is in Workers.
 */
function withLength(headers: HeaderList, body: ReadableStream | null): HeaderList {
  if (!body) return headers;
  const others = headers.filter(([name]) => name !== "content-length");
  const length = lengthOf(body);
  return length === undefined ? others : [...others, ["content-length", String(length)]];
}

/** All headers, one entry per `set-cookie`. */
export function listOf(headers: Headers): HeaderList {
  const list: [string, string][] = [];
  headers.forEach((value, name) => list.push([name, value]));
  return list;
}

/** Takes an error of a run. */
type Report = (error: unknown, run: Run) => void;

function bodyOf(response: Response, run: Run, report: Report): Body {
  const whole = wholeBodyOf(response);
  if (typeof whole === "string") return encodeText(whole);
  if (whole !== undefined) return whole;
  const { body } = response;
  if (body?.locked === true) throw readBefore();
  return body && reported(body, run, report);
}

function readBefore(): TypeError {
  return new TypeError("The body of the Response was read before");
}

/** The same bytes, made within the run; what the stream fails with is reported, for the visitor only sees it end. @throws TypeError where it is locked */
export function reported(
  body: ReadableStream<Uint8Array>,
  run: Run,
  report: Report,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let isLeft = false;
  return new natives.ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await within(run, () => reader.read());
          // A read that waits when the visitor leaves ends then, and there is nothing to close any more.
          if (isLeft) return;
          if (done) controller.close();
          else controller.enqueue(checkChunk(value));
        } catch (error) {
          report(error, run);
          throw error;
        }
      },
      cancel(reason) {
        isLeft = true;
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

/** What a stream gave, as it is; else the visitor would see an end of which the owner reads nothing. */
function checkChunk(value: Uint8Array): Uint8Array {
  const chunk: unknown = value;
  if (typeof chunk === "string" || chunk instanceof ArrayBuffer || ArrayBuffer.isView(chunk))
    return value;
  throw new TypeError(`The stream of a Response gave neither bytes nor text, but ${typeof chunk}`);
}
