/**
 * `src/remote` is a registry's API seen from outside: typed calls, retries, credentials, the signing key.
 * The installer and the commands call it. It must never believe an answer before it was checked, nor let a token reach another origin.
 */
import { fail } from "#base/errors.ts";

/** How requests travel. Times are milliseconds. */
export type NetworkOptions = {
  /** From sending the last byte of a request until its answer begins. */
  answerTimeoutMs: number;
  /** Between two pieces of a body, either way. */
  idleTimeoutMs: number;
  /** How often a request that may be repeated is tried. */
  tries: number;
  /** All waiting between the tries of one request together. */
  waitMs: number;
  /** Address of a proxy; without one the usual environment variables count. */
  proxy?: string;
  /** More certificate authorities to trust, as PEM. */
  ca?: readonly string[];
};

/** 30 s per stage, 5 tries, 20 s of waiting. */
export const DEFAULT_NETWORK: NetworkOptions = {
  answerTimeoutMs: 30_000,
  idleTimeoutMs: 30_000,
  tries: 5,
  waitMs: 20_000,
};

/** The part of `fetch` that is used, so that a test can stand in for it. */
export type Fetch = (url: string, init: BunFetchRequestInit) => Promise<Response>;

/** Everything that decides how a request is sent. */
export type Transport = NetworkOptions & {
  fetch: Fetch;
  userAgent: string;
  sleep: (ms: number) => Promise<void>;
  /** At least 0, less than 1. */
  random: () => number;
  now: () => Date;
  /** Called before each further try with the trouble of the one before. */
  onRetry?: (problem: string) => void;
  /** Ends whatever is under way with `cancelled`. */
  signal?: AbortSignal;
};

/** A watch over one request: it aborts when a stage takes too long, or when the command is cancelled. */
export type Watch = {
  signal: AbortSignal;
  /** Begins a stage: within `ms`, `next` or `end` must be called. */
  next: (ms: number) => void;
  end: () => void;
  /** What an error of the request means: which stage was too slow, or the system's own words. @throws cancelled */
  explain: (cause: unknown) => string;
};

/** Starts watching a request. */
export function watchRequest(transport: Transport): Watch {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let slowMs = 0;
  const cancel = (): void => controller.abort();
  transport.signal?.addEventListener("abort", cancel, { once: true });
  if (transport.signal?.aborted) cancel();
  return {
    signal: controller.signal,
    next(ms) {
      clearTimeout(timer);
      timer = setTimeout(() => {
        slowMs = ms;
        controller.abort();
      }, ms);
    },
    end() {
      clearTimeout(timer);
      transport.signal?.removeEventListener("abort", cancel);
    },
    explain(cause) {
      if (transport.signal?.aborted) throw fail("cancelled", {}, { cause });
      if (slowMs > 0) return `nothing came for ${slowMs / 1000} s`;
      return wordsOf(cause);
    },
  };
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
  CERT_HAS_EXPIRED: "its certificate has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another host",
};

function wordsOf(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return WORDS[code] ?? (code || "the connection failed");
}
