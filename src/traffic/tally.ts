import { isBot } from "./bots.ts";
import {
  bytesOf,
  countOf,
  createRows,
  findRow,
  increaseRow,
  keyOf,
  openRow,
  type Rows,
} from "./tally-rows.ts";
import { createTexts, idOfText, knownText, textOf, type Texts } from "./tally-texts.ts";
import type { Visit } from "./visit.ts";

/** How often, and how many bytes. */
export type Count = { count: number; bytes: number };

/** What visits of one site added up to. Text is as it was sent: `rollup.ts` cleans it. */
export type SiteTally = {
  requests: number;
  pages: number;
  bytes: number;
  bots: number;
  paths: ReadonlyMap<string, Count>;
  statuses: ReadonlyMap<number, Count>;
  /** By the own host that was asked, then by host and port of the referrer. */
  referrers: ReadonlyMap<string, ReadonlyMap<string, Count>>;
  /** By user agent, then by address. */
  agents: ReadonlyMap<string, ReadonlyMap<string, Count>>;
};

/** Sites with what visits of one hour added up to. */
export type TallyPart = { hour: number; sites: Map<number, SiteTally> };

/** What visits of one hour added up to, packed. Bounded: `keys` and `visitors` tell how much is in it. */
export type Tally = {
  hour: number;
  rows: Rows;
  texts: Texts;
  keys: number;
  visitors: number;
  /** Sites that are written down and count no more. */
  written: Set<number>;
};

/** Stands for all that found no room. */
export const OTHER = "(other)";

/** What a row counts: its first number is the site, its second this. The third, then the fourth: */
const REQUESTS = 0;
const PAGES = 1;
const BOTS = 2;
/** How many paths and referrers of the site there are. */
const KEYS = 3;
/** The path. */
const PATH = 4;
/** The status. */
const STATUS = 5;
/** Host and port of the referrer, and the own host. */
const REFERRER = 6;
/** The user agent, and the address. */
const VISITOR = 7;

/** The agents that found no room. No header holds this. */
const OTHER_AGENT = "\n";

/** Bounds of one tally: paths and referrers together, of all sites. */
const MAX_KEYS = 10_000;
/** Of one site, so that one does not take the room of all. */
const MAX_SITE_KEYS = 1000;
/** Visitors of all sites: who finds no room is counted when coming again. */
const MAX_VISITORS = 5000;
const MAX_PATH = 200;
const MAX_AGENT = 256;
/** A host and a port. */
const MAX_AUTHORITY = 261;

/** Nothing yet. */
export function createTally(hour: number): Tally {
  return {
    hour,
    rows: createRows(),
    texts: createTexts([OTHER, OTHER_AGENT, ""]),
    keys: 0,
    visitors: 0,
    written: new Set(),
  };
}

/**
 * Adds a visit. This runs for every request: for what was seen before in this tally it is some look-ups and no allocation, some
 * 200 ns.
 */
export function addVisit(tally: Tally, visit: Visit): void {
  const { siteId, status, bytes, referrer } = visit;
  const { rows, texts } = tally;
  const agent = agentOf(texts, visit.userAgent ?? "");
  if (agent === undefined) {
    increase(rows, siteId, BOTS, 0, 0, 1, bytes);
    return;
  }
  increase(rows, siteId, REQUESTS, 0, 0, 1, bytes);
  if (visit.isPage && (status === 200 || status === 304) && visit.method === "GET")
    increase(rows, siteId, PAGES, 0, 0, 1, 0);
  increase(rows, siteId, STATUS, status, 0, 1, bytes);
  addKey(tally, siteId, PATH, clip(visit.path, MAX_PATH), 0, 1, bytes);
  addVisitor(tally, siteId, agent, visit.address(), 1, bytes);
  if (referrer !== null && referrer !== "") addReferrer(tally, visit, referrer);
}

/** The number of a user agent; undefined: it is a bot. */
function agentOf(texts: Texts, whole: string): number | undefined {
  const agent = clip(whole, MAX_AGENT);
  const known = knownText(texts, agent);
  const flag = known === undefined ? undefined : texts.bots[known];
  if (known !== undefined && flag !== undefined) return flag ? undefined : known;
  const bot = isBot(agent);
  const id = idOfText(texts, agent);
  if (id !== undefined) texts.bots[id] = bot;
  return bot ? undefined : (id ?? idOfText(texts, OTHER_AGENT));
}

function increase(
  rows: Rows,
  siteId: number,
  kind: number,
  a: number,
  b: number,
  count: number,
  bytes: number,
): void {
  increaseRow(rows, openRow(rows, siteId, kind, a, b), count, bytes);
}

/** Counts a path or a referrer, or where there is no room for it, among the others of its kind. */
function addKey(
  tally: Tally,
  siteId: number,
  kind: number,
  text: string,
  b: number,
  count: number,
  bytes: number,
): void {
  const { rows, texts } = tally;
  const known = knownText(texts, text);
  const row = known === undefined ? -1 : findRow(rows, siteId, kind, known, b);
  if (row !== -1) return increaseRow(rows, row, count, bytes);
  const site = openRow(rows, siteId, KEYS, 0, 0);
  const room = tally.keys < MAX_KEYS && countOf(rows, site) < MAX_SITE_KEYS;
  const id = room ? (known ?? idOfText(texts, text)) : undefined;
  if (id === undefined) return increase(rows, siteId, kind, 0, b, count, bytes);
  increase(rows, siteId, kind, id, b, count, bytes);
  increaseRow(rows, site, 1, 0);
  tally.keys += 1;
}

function addVisitor(
  tally: Tally,
  siteId: number,
  agent: number,
  address: string,
  count: number,
  bytes: number,
): void {
  const { rows, texts } = tally;
  const known = knownText(texts, address);
  const row = known === undefined ? -1 : findRow(rows, siteId, VISITOR, agent, known);
  if (row !== -1) return increaseRow(rows, row, count, bytes);
  const id = tally.visitors < MAX_VISITORS ? (known ?? idOfText(texts, address)) : undefined;
  if (id === undefined) return;
  increase(rows, siteId, VISITOR, agent, id, count, bytes);
  tally.visitors += 1;
}

/** Of an http(s) address only host and port: its path may tell what is nobody's business. */
function addReferrer(tally: Tally, { siteId, host, bytes }: Visit, referrer: string): void {
  const start = referrer.startsWith("https://") ? 8 : referrer.startsWith("http://") ? 7 : 0;
  if (start === 0 || isOwn(referrer, start, host)) return;
  const end = referrer.indexOf("/", start);
  const authority = end === -1 ? referrer.slice(start) : referrer.slice(start, end);
  if (authority.length > MAX_AUTHORITY) return;
  // Without room under no host: then own referrers are told apart no more.
  const own = idOfText(tally.texts, host) ?? knownText(tally.texts, "") ?? 0;
  addKey(tally, siteId, REFERRER, authority, own, 1, bytes);
}

/** Whether the host of a referrer is the own one, as it is of nearly all. What is spelled oddly is told apart by `rollup.ts`. */
function isOwn(referrer: string, start: number, host: string): boolean {
  if (!referrer.startsWith(host, start)) return false;
  const after = referrer.charAt(start + host.length);
  return after === "/" || after === ":" || after === "";
}

/** What a tally counts of sites that are not written yet, in parts of at most `size` sites. */
export function* partsOf(tally: Tally, size: number): Generator<TallyPart> {
  const { rows, written, hour } = tally;
  const rowsOf = new Map<number, number[]>();
  for (let row = 0; row < rows.size; row += 1) {
    const siteId = keyOf(rows, row, 0);
    if (written.has(siteId)) continue;
    const known = rowsOf.get(siteId);
    if (known) known.push(row);
    else rowsOf.set(siteId, [row]);
  }
  let sites = new Map<number, SiteTally>();
  for (const [siteId, own] of rowsOf) {
    sites.set(siteId, unpack(tally, own));
    if (sites.size < size) continue;
    yield { hour, sites };
    sites = new Map();
  }
  if (sites.size > 0) yield { hour, sites };
}

/** Takes a site out, once it is written. */
export function dropSite(tally: Tally, siteId: number): void {
  tally.written.add(siteId);
}

/** Two tallies of the same hour as one, without what is written. */
export function joinTallies(one: Tally, other: Tally): Tally {
  const joined = createTally(one.hour);
  for (const from of [one, other])
    for (let row = 0; row < from.rows.size; row += 1)
      if (!from.written.has(keyOf(from.rows, row, 0))) addRow(joined, from, row);
  return joined;
}

function addRow(into: Tally, { rows, texts }: Tally, row: number): void {
  const siteId = keyOf(rows, row, 0);
  const kind = keyOf(rows, row, 1);
  const a = keyOf(rows, row, 2);
  const b = keyOf(rows, row, 3);
  const count = countOf(rows, row);
  const bytes = bytesOf(rows, row);
  const own = (id: number): number | undefined => idOfText(into.texts, textOf(texts, id));
  if (kind === KEYS) return;
  if (kind === PATH || kind === REFERRER) {
    const host = kind === REFERRER ? (own(b) ?? knownText(into.texts, "") ?? 0) : 0;
    addKey(into, siteId, kind, textOf(texts, a), host, count, bytes);
  } else if (kind === VISITOR) {
    const agent = agentOf(into.texts, textOf(texts, a)) ?? own(a);
    if (agent !== undefined) addVisitor(into, siteId, agent, textOf(texts, b), count, bytes);
  } else increase(into.rows, siteId, kind, a, b, count, bytes);
}

/** Of most sites nothing is counted by some of these: where ten thousand are written, empty maps would be most of the garbage. */
const NOTHING: ReadonlyMap<never, never> = new Map<never, never>();

/** What the rows of one site tell. */
function unpack({ rows, texts }: Tally, own: readonly number[]): SiteTally {
  const numbers = { requests: 0, pages: 0, bytes: 0, bots: 0 };
  let paths: Map<string, Count> | undefined;
  let statuses: Map<number, Count> | undefined;
  let referrers: Map<string, Map<string, Count>> | undefined;
  let agents: Map<string, Map<string, Count>> | undefined;
  for (const row of own) {
    const [kind, a, b] = [keyOf(rows, row, 1), keyOf(rows, row, 2), keyOf(rows, row, 3)];
    const counted: Count = { count: countOf(rows, row), bytes: bytesOf(rows, row) };
    if (kind === REQUESTS) {
      numbers.requests = counted.count;
      numbers.bytes = counted.bytes;
    } else if (kind === PAGES) numbers.pages = counted.count;
    else if (kind === BOTS) numbers.bots = counted.count;
    else if (kind === PATH) (paths ??= new Map()).set(textOf(texts, a), counted);
    else if (kind === STATUS) (statuses ??= new Map()).set(a, counted);
    else if (kind === REFERRER)
      under((referrers ??= new Map()), textOf(texts, b)).set(textOf(texts, a), counted);
    else if (kind === VISITOR)
      under((agents ??= new Map()), textOf(texts, a)).set(textOf(texts, b), counted);
  }
  return {
    ...numbers,
    paths: paths ?? NOTHING,
    statuses: statuses ?? NOTHING,
    referrers: referrers ?? NOTHING,
    agents: agents ?? NOTHING,
  };
}

function under(of: Map<string, Map<string, Count>>, key: string): Map<string, Count> {
  const known = of.get(key) ?? new Map<string, Count>();
  of.set(key, known);
  return known;
}

function clip(text: string, length: number): string {
  return text.length > length ? text.slice(0, length) : text;
}
