import { printable, printableLines } from "#base/names.ts";
import type { Visit } from "#traffic/visit.ts";

import type { LogKind, LogLevel } from "../model.ts";

/** A line to write. What comes from outside may stand in `message`; `data` never holds an address of a visitor. */
export type NewLine = {
  /** The id of the site, or its name where only that is known. */
  site: number | string;
  level: LogLevel;
  kind: LogKind;
  message: string;
  requestId?: string | undefined;
  data?: Readonly<Record<string, unknown>>;
};

/** A line with its moment, cleaned. */
export type BufferedLine = Omit<NewLine, "requestId" | "data"> & {
  at: number;
  requestId: string | null;
  json: string;
};

/** Lines that wait to be written. Bounded, whatever is put in. */
export type LogBuffer = {
  add: (line: NewLine) => void;
  addRequest: (visit: Visit, requestId: string | undefined) => void;
  /** What is to be written now, oldest first; it is not in the buffer any more. */
  take: () => BufferedLine[];
  /** Puts back what could not be written; the oldest are dropped where there is no room. */
  putBack: (lines: readonly BufferedLine[]) => void;
};

/** Requests of one site that are told one by one each time; those that failed go first. */
const MAX_SITE_REQUESTS = 100;
/** Other lines of one site. */
const MAX_SITE_LINES = 500;
/** Lines of all sites together. */
const MAX_LINES = 1000;
const MAX_DATA_CHARS = 4000;
const MAX_TEXT_CHARS = 8000;

type SiteBuffer = {
  failed: BufferedLine[];
  others: BufferedLine[];
  /** How many lines of other kinds are in the buffer. */
  lines: number;
  /** What was not kept. */
  moreRequests: number;
  moreLines: number;
};

/** Makes a buffer. `now` is asked for lines that are kept, not for those that are only counted. */
export function createLogBuffer(now: () => Date): LogBuffer {
  let sites = new Map<number | string, SiteBuffer>();
  /** How many requests of sites without anything in `sites` were not kept: most of the sites, where thousands are busy at once. */
  const counted = new Map<number, number>();
  let lines: BufferedLine[] = [];
  let kept = { failed: 0, others: 0 };

  function bufferOf(site: number | string): SiteBuffer {
    const known = sites.get(site);
    if (known) return known;
    const moreRequests = typeof site === "number" ? (counted.get(site) ?? 0) : 0;
    if (typeof site === "number") counted.delete(site);
    const fresh = { failed: [], others: [], lines: 0, moreRequests, moreLines: 0 };
    sites.set(site, fresh);
    return fresh;
  }

  return {
    add(line) {
      const site = bufferOf(line.site);
      if (site.lines >= MAX_SITE_LINES || lines.length >= MAX_LINES) site.moreLines += 1;
      else {
        site.lines += 1;
        lines.push(toBuffered(line, now().getTime()));
      }
    },
    addRequest(visit, requestId) {
      const how = visit.status >= 500 ? "failed" : "others";
      if (kept[how] >= MAX_LINES && !sites.has(visit.siteId)) {
        counted.set(visit.siteId, (counted.get(visit.siteId) ?? 0) + 1);
        return;
      }
      const site = bufferOf(visit.siteId);
      if (site[how].length >= MAX_SITE_REQUESTS || kept[how] >= MAX_LINES) site.moreRequests += 1;
      else {
        kept[how] += 1;
        site[how].push(requestLine(visit, requestId, now().getTime()));
      }
    },
    take() {
      const taken = lines;
      const at = now().getTime();
      const carried = new Map<number | string, SiteBuffer>();
      for (const [site, buffer] of sites) {
        // Where there is no room to tell it, it is told next time.
        if (taken.length < 2 * MAX_LINES) taken.push(...takeRequests(site, buffer, at));
        else carried.set(site, buffer);
      }
      for (const [site, more] of counted) {
        if (taken.length >= 2 * MAX_LINES) break;
        taken.push(moreLine(site, "request", more, at));
        counted.delete(site);
      }
      lines = [];
      sites = carried;
      kept = { failed: 0, others: 0 };
      return taken.toSorted((a, b) => a.at - b.at);
    },
    putBack(unwritten) {
      lines = [...unwritten, ...lines].slice(-MAX_LINES);
    },
  };
}

/** The lines of requests, those that failed before the others, and how many there were more. */
function takeRequests(site: number | string, buffer: SiteBuffer, at: number): BufferedLine[] {
  const requests = [...buffer.failed, ...buffer.others];
  const told = requests.slice(0, MAX_SITE_REQUESTS);
  const more = buffer.moreRequests + requests.length - told.length;
  if (more > 0) told.push(moreLine(site, "request", more, at));
  if (buffer.moreLines > 0) told.push(moreLine(site, "program", buffer.moreLines, at));
  return told;
}

function requestLine(visit: Visit, requestId: string | undefined, at: number): BufferedLine {
  const { siteId: site, method, status, bytes, ms } = visit;
  const path = printable(visit.path.replace(/[?#].*$/s, "").toWellFormed());
  const level = status >= 500 ? "error" : status >= 400 ? "warn" : "info";
  const message = `${method} ${path} ${status}`;
  const data = { method, path, status, bytes, ...(ms !== undefined && { ms }) };
  return toBuffered({ site, level, kind: "request", message, requestId, data }, at);
}

function moreLine(
  site: number | string,
  kind: "request" | "program",
  more: number,
  at: number,
): BufferedLine {
  const what = `${kind === "request" ? "request" : "line"}${more === 1 ? "" : "s"}`;
  const message = `… ${more.toLocaleString("en")} more ${what}`;
  return toBuffered({ site, level: "info", kind, message, data: { more } }, at);
}

function toBuffered(line: NewLine, at: number): BufferedLine {
  const { site, level, kind, message, requestId, data = {} } = line;
  return {
    site,
    level,
    kind,
    message: kind === "program" ? printableText(message) : printable(message.toWellFormed()),
    requestId: requestId === undefined || requestId === "" ? null : printable(requestId),
    json: jsonOf(data),
    at,
  };
}

/** What a program wrote: lines of it, and stacks. */
function printableText(message: string): string {
  const isLong = message.length > MAX_TEXT_CHARS;
  const text = isLong ? `${message.slice(0, MAX_TEXT_CHARS)}…` : message;
  return printableLines(text.toWellFormed());
}

function jsonOf(data: Readonly<Record<string, unknown>>): string {
  try {
    const json = JSON.stringify(data);
    return json.length <= MAX_DATA_CHARS ? json : "{}";
  } catch {
    return "{}";
  }
}
