import { fail, LandError } from "#base/errors.ts";
import { type LogLevel, LogLine } from "#sites/model.ts";

import { dropBody, parseAnswer, problemOfType } from "./answer.ts";
import type { Exchange, Opened } from "./exchange.ts";
import { backoff, withRetry } from "./retry.ts";

export type { LogLine };

/** Which lines of a log. */
export type LogFilter = {
  /** The least severe. */
  level?: LogLevel;
  /** The id of one request. */
  request?: string;
};

/** A server sends something at least this often, if only a comment. */
const SILENCE_MS = 90_000;
const MAX_EVENT_CHARS = 1_000_000;

/** One event of a stream: what it says, and the id to go on from. */
export type ServerEvent = { id: string | undefined; data: string };

/**
 * Log lines as they come, those past the id `after`, or new ones alone. Where the connection ends it is made anew, from the last line seen on.
 *
 * @throws network where it cannot be made again, bad_answer, cancelled, and what the registry tells
 */
export async function* followLogs(
  exchange: Exchange,
  path: string,
  { level, request }: LogFilter,
  after?: number,
): AsyncGenerator<LogLine, void> {
  const { transport } = exchange;
  const url = `${exchange.registry}/api/v1${path}`;
  let lastId = after?.toString();
  for (let breaks = 0; ; breaks += 1) {
    const headers = {
      accept: "text/event-stream, application/problem+json",
      ...(lastId !== undefined && { "last-event-id": lastId }),
    };
    const opened = await withRetry(transport, url, () =>
      exchange.open({ method: "GET", path, query: { follow: "1", level, request }, headers }),
    );
    try {
      for await (const { id, data } of eventsOf(opened)) {
        breaks = 0;
        lastId = id ?? lastId;
        const line = parseLine(data, url);
        if (line) yield line;
      }
    } catch (error) {
      if (error instanceof LandError) throw error;
      opened.watch.explain(error); // throws where we were told to stop
    } finally {
      opened.watch.end();
      if (!opened.response.bodyUsed) await dropBody(opened.response);
    }
    await transport.sleep(backoff(Math.min(breaks, 5) + 1, transport.random));
    if (transport.signal?.aborted) throw fail("cancelled", {});
  }
}

async function* eventsOf({ response, watch, url }: Opened): AsyncGenerator<ServerEvent, void> {
  const problem = problemOfType(response, "text/event-stream");
  if (problem !== undefined) throw fail("bad_answer", { url, problem });
  const read = createEventReader();
  const decoder = new TextDecoder();
  watch.next(SILENCE_MS);
  for await (const piece of response.body ?? []) {
    watch.next(SILENCE_MS);
    const events = read(decoder.decode(piece, { stream: true }));
    if (!events) throw fail("bad_answer", { url, problem: "an event of it is too long" });
    yield* events;
  }
}

/**
 * Reads a stream of events piece by piece: each call gives the events that are whole by then. Comments, names of events and
 * waiting times are passed over; an event that is cut off at the end never comes. Undefined once an event grows too long.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export function createEventReader(): (piece: string) => ServerEvent[] | undefined {
  let rest = "";
  let id: string | undefined;
  let data: string[] = [];
  let atStart = true;
  const take = (line: string, events: ServerEvent[]): void => {
    if (line === "") {
      if (data.length > 0) events.push({ id, data: data.join("\n") });
      data = [];
      return;
    }
    const [, field = "", value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === "data") data.push(value);
    else if (field === "id" && !value.includes("\0")) id = value;
  };
  return (piece) => {
    const events: ServerEvent[] = [];
    rest += atStart ? piece.replace(/^\uFEFF/, "") : piece;
    if (piece !== "") atStart = false;
    // A carriage return at the very end may be half of a line end.
    const ends = /\r\n|\n|\r(?!$)/g;
    let from = 0;
    for (const end of rest.matchAll(ends)) {
      take(rest.slice(from, end.index), events);
      from = end.index + end[0].length;
    }
    rest = rest.slice(from);
    const held = data.reduce((sum, line) => sum + line.length, rest.length);
    return held > MAX_EVENT_CHARS ? undefined : events;
  };
}

/** What is no line of a log is passed over: later servers may tell other things too. */
function parseLine(data: string, url: string): LogLine | undefined {
  try {
    return parseAnswer(LogLine, data, url);
  } catch {
    return undefined;
  }
}
