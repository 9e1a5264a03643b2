/**
 * `src/remote` is a registry's API seen from outside: typed calls, retries, credentials, the signing key.
 * The installer and the commands call it. It must never believe an answer before it was checked, nor let a token reach another origin.
 */
import { fail } from "#base/errors.ts";

import type { Route } from "./route.ts";

/** How requests travel. Times are milliseconds. */
export type NetworkOptions = {
  /** Until somebody takes the connection. */
  connectTimeoutMs: number;
  /** From sending the last byte of a request until its answer begins. */
  answerTimeoutMs: number;
  /** Between two pieces of a body, either way. */
  idleTimeoutMs: number;
  /** How often a request that may be repeated is tried. */
  tries: number;
  /** All waiting between the tries of one request together. */
  waitMs: number;
};

/** 15 s to connect, 30 s for each later stage, 5 tries, 20 s of waiting. */
export const DEFAULT_NETWORK: NetworkOptions = {
  connectTimeoutMs: 15_000,
  answerTimeoutMs: 30_000,
  idleTimeoutMs: 30_000,
  tries: 5,
  waitMs: 20_000,
};

/** The part of `fetch` that is used, so that a test can stand in for it. */
export type Fetch = (url: string, init: BunFetchRequestInit) => Promise<Response>;

/** Everything that decides how a request is sent. */
export type Transport = NetworkOptions &
  Partial<Pick<Route, "proxyOf" | "reach">> & {
    fetch: Fetch;
    /** How many answers came over it. */
    answers: { count: number };
    userAgent: string;
    sleep: (ms: number) => Promise<void>;
    /** At least 0, less than 1. */
    random: () => number;
    now: () => Date;
    /** Called before each further try with the trouble of the one before. */
    onRetry?: (problem: string) => void;
    /** Called before and after each request that may change a package. */
    onChange?: () => void;
    /** Ends whatever is under way with `cancelled`. */
    signal?: AbortSignal;
  };

/** A watch over one request: it aborts when a stage takes too long, or when the command is cancelled. */
export type Watch = {
  signal: AbortSignal;
  /** Begins a stage: within `ms`, `next` or `end` must be called. `slow` says what went wrong where neither was. */
  next: (ms: number, slow?: string) => void;
  /** Some of a body came: the stage begins anew, but for drops so small that it would never end. */
  moved: (bytes: number, ms: number) => void;
  /** Ends the request with these words. */
  stop: (problem: string) => void;
  end: () => void;
  /** What an error of the request means: which stage was too slow, or the system's own words. @throws cancelled */
  explain: (cause: unknown) => string;
};

/** A body that brings fewer bytes within a stage stands still. */
const MOVING_BYTES = 256;

/** Starts watching a request. */
export function watchRequest(transport: Pick<Transport, "signal">): Watch {
  const controller = new AbortController();
  let timer: { running: ReturnType<typeof setTimeout>; firesAt: number } | undefined;
  let late = { at: Number.POSITIVE_INFINITY, slow: "" };
  let told = "";
  let came = 0;
  const cancel = (): void => controller.abort();
  const stop = (problem: string): void => {
    told = problem;
    controller.abort();
  };
  const startTimer = (ms: number): void => {
    clearTimeout(timer?.running);
    timer = { running: setTimeout(look, ms), firesAt: performance.now() + ms };
  };
  const look = (): void => {
    timer = undefined;
    const left = late.at - performance.now();
    if (left <= 0) stop(late.slow);
    else startTimer(left);
  };
  // Called for each piece of a body: a timer that runs is left to run, and looks again when it fires too soon.
  const next = (ms: number, slow = `nothing came for ${ms / 1000} s`): void => {
    came = 0;
    late = { at: performance.now() + ms, slow };
    if (!timer || timer.firesAt > late.at) startTimer(ms);
  };
  transport.signal?.addEventListener("abort", cancel, { once: true });
  if (transport.signal?.aborted) cancel();
  return {
    signal: controller.signal,
    next,
    moved(bytes, ms) {
      came += bytes;
      if (came >= MOVING_BYTES) next(ms);
    },
    stop,
    end() {
      clearTimeout(timer?.running);
      transport.signal?.removeEventListener("abort", cancel);
    },
    explain(cause) {
      if (transport.signal?.aborted) throw fail("cancelled", {}, { cause });
      return told === "" ? wordsOf(cause) : told;
    },
  };
}

/**
 * Ends a request whose connection does not come about in time. `fetch` tells nobody when it is connected, so half-way it is tried
 * whether one can connect at all. Returns the way to stop watching.
 */
export function watchConnecting(transport: Transport, url: string, watch: Watch): () => void {
  const { reach, connectTimeoutMs } = transport;
  if (!reach) return () => undefined;
  let timer = setTimeout(() => {
    timer = setTimeout(
      () => watch.stop(`no connection came about within ${connectTimeoutMs / 1000} s`),
      connectTimeoutMs / 2,
    );
    const settled = (): void => clearTimeout(timer);
    reach(url).then(settled, settled);
  }, connectTimeoutMs / 2);
  return () => clearTimeout(timer);
}

const WORDS: Record<string, string> = {
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "the connection broke",
  ENOTFOUND: "there is no host of that name",
  ETIMEDOUT: "it does not answer",
  EHOSTUNREACH: "there is no way to that host",
  ENETUNREACH: "there is no network",
  EPROTO: "it does not speak HTTPS; is it http://?",
  ERR_SSL_WRONG_VERSION_NUMBER: "it does not speak HTTPS; is it http://?",
  Malformed_HTTP_Response: "it does not speak HTTP",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is self-signed",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is not signed by an authority we trust",
  UNABLE_TO_GET_ISSUER_CERT: "its certificate is not signed by an authority we trust",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate is not signed by an authority we trust",
  CERT_NOT_YET_VALID: "its certificate is not valid yet: is the clock right?",
  CERT_HAS_EXPIRED: "its certificate has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another host",
};

/** What the same request meets again: the other side is not whom it says, or does not speak our language. */
const LASTING =
  /^(?:EPROTO|ERR_SSL_WRONG_VERSION_NUMBER|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|CERT_\w+|ERR_TLS_\w+)$/;

/** Whether trying again would be of no use. */
export function isLasting(cause: unknown): boolean {
  return LASTING.test(codeOf(cause)) || wordsOf(cause) === PROXY_SIGN_IN;
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : "";
}

function wordsOf(cause: unknown): string {
  const code = codeOf(cause);
  if (code === "ERR_PROXY_TUNNEL") return wordsOfTunnel(cause);
  return WORDS[code] ?? (code || "the connection failed");
}

function wordsOfTunnel(cause: unknown): string {
  const status = cause instanceof Error && "status" in cause ? Number(cause.status) : 0;
  return status === 407 ? PROXY_SIGN_IN : `the proxy refuses, with status ${status}`;
}

/** What status 407 means. */
export const PROXY_SIGN_IN = "the proxy wants a user name and a password: see network.proxy";
