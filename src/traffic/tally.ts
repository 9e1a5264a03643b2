import { isBot } from "./bots.ts";
import type { Visit } from "./visit.ts";

/** How often, and how many bytes. */
export type Count = { count: number; bytes: number };

/** What visits of one site added up to. Text is as it was sent: `rollup.ts` cleans it. */
export type SiteTally = {
  requests: number;
  pages: number;
  bytes: number;
  bots: number;
  paths: Map<string, Count>;
  statuses: Map<number, Count>;
  /** By the own host that was asked, then by host and port of the referrer. */
  referrers: Map<string, Map<string, Count>>;
  /** By user agent, then by address; null: a bot. */
  agents: Map<string, Map<string, Count> | null>;
  /** The entry of `referrers` that was used last, which is nearly always the next one too. */
  host: string;
  hostReferrers: Map<string, Count>;
};

/** A visit, and how often it came in the very same words. */
type Single = { visit: Visit; count: number };

/** What visits of one hour added up to. Bounded: `keys` and `visitors` tell how much is in it. */
export type Tally = {
  hour: number;
  sites: Map<number, SiteTally>;
  /** Sites with one visit only, as most have in a second: maps for each would be most of what ten thousand sites take. */
  singles: Map<number, Single>;
  keys: number;
  visitors: number;
};

/** Stands for all that found no room. */
export const OTHER = "(other)";

/** The agents that found no room. No header holds this. */
const OTHER_AGENT = "\n";

/** No host yet. None is written so. */
const NO_HOST = "\n";
/** Stand in sites without referrers, as most are in a second. */
const NO_HOSTS = new Map<string, Map<string, Count>>();
const NO_REFERRERS = new Map<string, Count>();

/** Bounds of one tally: paths, referrers and agents together, of all sites. */
const MAX_KEYS = 10_000;
/** Of one site, so that one does not take the room of all. */
const MAX_SITE_KEYS = 1000;
/** Visitors of all sites: who finds no room is counted when coming again. */
const MAX_VISITORS = 5000;
const MAX_PATH = 200;
const MAX_AGENT = 256;
/** A host and a port. */
const MAX_AUTHORITY = 261;
/** Enough to hold a scheme, an authority and the slash after it. */
const MAX_REFERRER = 512;

/** Nothing yet. */
export function createTally(hour: number): Tally {
  return { hour, sites: new Map(), singles: new Map(), keys: 0, visitors: 0 };
}

/**
 * Adds a visit. This runs for every request: for what was seen before in this tally it is five look-ups and no allocation, some
 * 100 ns.
 */
export function addVisit(tally: Tally, visit: Visit): void {
  const { siteId } = visit;
  const site = tally.sites.get(siteId);
  if (site) return addTo(tally, site, visit, 1);
  const single = tally.singles.get(siteId);
  if (!single) tally.singles.set(siteId, { visit: detach(visit), count: 1 });
  else if (isSame(single.visit, visit)) single.count += 1;
  else {
    addTo(tally, openSite(tally, siteId), visit, 1);
  }
}

/** A visit that is kept: no longer than what is told of it, and in memory of its own. */
function detach(visit: Visit): Visit {
  const { path, userAgent, referrer } = visit;
  return {
    ...visit,
    path: copy(clip(path, MAX_PATH)),
    userAgent: userAgent === null ? null : copy(clip(userAgent, MAX_AGENT)),
    referrer: referrer === null ? null : copy(clip(referrer, MAX_REFERRER)),
  };
}

function isSame(one: Visit, other: Visit): boolean {
  return (
    one.path === other.path &&
    one.address === other.address &&
    one.userAgent === other.userAgent &&
    one.status === other.status &&
    one.bytes === other.bytes &&
    one.referrer === other.referrer &&
    one.method === other.method &&
    one.isPage === other.isPage &&
    one.host === other.host
  );
}

function addTo(tally: Tally, site: SiteTally, visit: Visit, times: number): void {
  const { status, referrer } = visit;
  const bytes = visit.bytes * times;
  const agent = clip(visit.userAgent ?? "", MAX_AGENT);
  const known = site.agents.get(agent);
  const visitors = known === undefined ? addAgent(tally, site, agent) : known;
  if (visitors === null) {
    site.bots += times;
    return;
  }
  site.requests += times;
  site.bytes += bytes;
  if (visit.isPage && (status === 200 || status === 304) && visit.method === "GET")
    site.pages += times;
  const visitor = visitors.get(visit.address);
  if (visitor === undefined) addVisitor(tally, visitors, visit.address, times, bytes);
  else increase(visitor, times, bytes);
  const path = site.paths.get(visit.path);
  if (path === undefined) addText(tally, site.paths, clip(visit.path, MAX_PATH), times, bytes);
  else increase(path, times, bytes);
  const answered = site.statuses.get(status);
  if (answered === undefined) site.statuses.set(status, { count: times, bytes });
  else increase(answered, times, bytes);
  if (referrer !== null && referrer !== "")
    addReferrer(tally, site, { host: visit.host, referrer, times, bytes });
}

/** A tally in parts of at most `size` sites, without singles. They share what they hold with it. */
export function* partsOf(tally: Tally, size: number): Generator<Tally> {
  const sites = [...tally.sites];
  for (let at = 0; at < sites.length; at += size)
    yield { ...tally, sites: new Map(sites.slice(at, at + size)), singles: new Map() };
  const singles = [...tally.singles];
  for (let at = 0; at < singles.length; at += size) {
    const part = createTally(tally.hour);
    for (const [id, { visit, count }] of singles.slice(at, at + size))
      addTo(part, addSite(part, id), visit, count);
    yield part;
  }
}

/** Takes a site out, once it is written. */
export function dropSite(tally: Tally, siteId: number): void {
  tally.sites.delete(siteId);
  tally.singles.delete(siteId);
}

/** Adds what another tally of the same hour holds. */
export function mergeTally(into: Tally, from: Tally): void {
  for (const [id, { visit, count }] of from.singles) addTo(into, openSite(into, id), visit, count);
  for (const [id, more] of from.sites) {
    const site = openSite(into, id);
    site.requests += more.requests;
    site.pages += more.pages;
    site.bytes += more.bytes;
    site.bots += more.bots;
    mergeTexts(into, site.paths, more.paths);
    for (const [host, referrers] of more.referrers)
      mergeTexts(into, referrersOf(into, site, host), referrers);
    for (const [status, { count, bytes }] of more.statuses) {
      const known = site.statuses.get(status);
      if (known) increase(known, count, bytes);
      else site.statuses.set(status, { count, bytes });
    }
    for (const [agent, visitors] of more.agents) {
      const known = site.agents.get(agent) ?? addAgent(into, site, agent);
      if (known)
        for (const [address, { count, bytes }] of visitors ?? [])
          addVisitor(into, known, address, count, bytes);
    }
  }
}

/** The maps of a site, with what was there as a single visit. */
function openSite(tally: Tally, siteId: number): SiteTally {
  const site = tally.sites.get(siteId) ?? addSite(tally, siteId);
  const single = tally.singles.get(siteId);
  if (single) {
    tally.singles.delete(siteId);
    addTo(tally, site, single.visit, single.count);
  }
  return site;
}

function addSite(tally: Tally, siteId: number): SiteTally {
  const site: SiteTally = {
    requests: 0,
    pages: 0,
    bytes: 0,
    bots: 0,
    paths: new Map(),
    statuses: new Map(),
    referrers: NO_HOSTS,
    agents: new Map(),
    host: NO_HOST,
    hostReferrers: NO_REFERRERS,
  };
  tally.sites.set(siteId, site);
  return site;
}

/** Decides once per agent what it is; beyond the bound each time, and what is no bot shares one entry there. */
function addAgent(tally: Tally, site: SiteTally, agent: string): Map<string, Count> | null {
  const bot = agent !== OTHER_AGENT && isBot(agent);
  const room = tally.keys < MAX_KEYS && site.agents.size < MAX_SITE_KEYS;
  if (bot && !room) return null;
  const key = room ? copy(agent) : OTHER_AGENT;
  const known = site.agents.get(key);
  if (known !== undefined) return known;
  const visitors = bot ? null : new Map<string, Count>();
  site.agents.set(key, visitors);
  tally.keys += 1;
  return visitors;
}

function addVisitor(
  tally: Tally,
  visitors: Map<string, Count>,
  address: string,
  count: number,
  bytes: number,
): void {
  const known = visitors.get(address);
  if (known) return increase(known, count, bytes);
  if (tally.visitors >= MAX_VISITORS) return;
  visitors.set(address, { count, bytes });
  tally.visitors += 1;
}

/** Of an http(s) address only host and port: its path may tell what is nobody's business. */
function addReferrer(
  tally: Tally,
  site: SiteTally,
  {
    host,
    referrer,
    times,
    bytes,
  }: { host: string; referrer: string; times: number; bytes: number },
): void {
  const start = referrer.startsWith("https://") ? 8 : referrer.startsWith("http://") ? 7 : 0;
  if (start === 0 || isOwn(referrer, start, host)) return;
  const end = referrer.indexOf("/", start);
  const authority = end === -1 ? referrer.slice(start) : referrer.slice(start, end);
  if (authority.length > MAX_AUTHORITY) return;
  const referrers = site.host === host ? site.hostReferrers : referrersOf(tally, site, host);
  const known = referrers.get(authority);
  if (known === undefined) addText(tally, referrers, authority, times, bytes);
  else increase(known, times, bytes);
}

/** Whether the host of a referrer is the own one, as it is of nearly all. What is spelled oddly is told apart by `rollup.ts`. */
function isOwn(referrer: string, start: number, host: string): boolean {
  if (!referrer.startsWith(host, start)) return false;
  const after = referrer.charAt(start + host.length);
  return after === "/" || after === ":" || after === "";
}

/** The referrers of one own host. Beyond the bound, under none: then own ones are told apart no more. */
function referrersOf(tally: Tally, site: SiteTally, host: string): Map<string, Count> {
  if (site.referrers === NO_HOSTS) site.referrers = new Map();
  const room = site.referrers.has(host) || tally.keys < MAX_KEYS;
  const key = room ? host : "";
  const referrers = site.referrers.get(key) ?? new Map<string, Count>();
  if (!site.referrers.has(key)) {
    site.referrers.set(key, referrers);
    tally.keys += 1;
  }
  site.host = host;
  site.hostReferrers = referrers;
  return referrers;
}

function mergeTexts(
  tally: Tally,
  into: Map<string, Count>,
  from: ReadonlyMap<string, Count>,
): void {
  for (const [text, { count, bytes }] of from) addText(tally, into, text, count, bytes);
}

function addText(
  tally: Tally,
  counts: Map<string, Count>,
  text: string,
  count: number,
  bytes: number,
): void {
  const known = counts.get(text);
  if (known) return increase(known, count, bytes);
  const room = tally.keys < MAX_KEYS && counts.size < MAX_SITE_KEYS;
  if (!room && text !== OTHER) return addText(tally, counts, OTHER, count, bytes);
  counts.set(copy(text), { count, bytes });
  tally.keys += 1;
}

function increase(counted: Count, count: number, bytes: number): void {
  counted.count += count;
  counted.bytes += bytes;
}

function clip(text: string, length: number): string {
  return text.length > length ? text.slice(0, length) : text;
}

/** The same text in memory of its own: a slice would keep all of what it was sliced from. */
function copy(text: string): string {
  return Buffer.from(text, "utf8").toString("utf8");
}
