/**
 * `src/traffic` is who came: events, rollups and series, without cookies and without stored addresses.
 * The server of sites records into it; the sites' routes and pages read from it. It must never make a request wait.
 */

/** One answered request of a site, as the server of sites tells it. */
export type Visit = {
  siteId: number;
  method: string;
  /** The path as it was sent, without the query. */
  path: string;
  status: number;
  /** Of the body that was sent. */
  bytes: number;
  /** Whether it is an HTML document. */
  isPage: boolean;
  /** The visitor's, or the one that a trusted proxy named. Never stored. To ask for it costs more than to count, so it is asked only for visitors that are told apart, and at once. */
  address: () => string;
  userAgent: string | null;
  /** The `Referer` header. */
  referrer: string | null;
  /** The host it was asked at, to tell own referrers from others. */
  host: string;
  /** Of a request that a program answered: its id, and how long that took. */
  requestId?: string;
  ms?: number;
};

/** Takes visits. */
export type Recorder = {
  /** Notes a visit. Costs next to nothing, never throws, never waits. */
  note: (visit: Visit) => void;
};
