import { fail, type LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { readTextIfAny } from "#store/files.ts";

import type { AccountKey } from "./acme-key.ts";
import { Directory, Problem, readAs, wordsOf } from "./acme-wire.ts";

/** An answer of an authority; `problem` where it refused. */
export type AcmeAnswer = {
  url: string;
  headers: Headers;
  /** What it is in JSON, or undefined. */
  value: unknown;
  text: string;
  problem: Problem | undefined;
};

/** Who signs: the key, and the address of the account once there is one. */
export type Signer = { key: AccountKey; account: string | undefined };

/** A conversation with an authority about the certificate of one name. */
export type AcmeClient = {
  directory: () => Promise<Directory>;
  /** Sends a signed request; without a payload it only reads. Repeats it where the nonce is refused. @throws certificate_failed */
  post: (signer: Signer, url: string, payload?: unknown) => Promise<AcmeAnswer>;
  /** Waits, at most until the conversation is ended. @throws certificate_failed where it was */
  pause: (ms: number) => Promise<void>;
  /** Ends the conversation. */
  signal: AbortSignal;
  /** What stops the work, worded for the name. */
  failed: (problem: string, options?: { retryAfterSeconds?: number; cause?: unknown }) => LandError;
};

/** Whom to talk to, and about what. */
export type Conversation = {
  name: string;
  directory: string;
  /** PEM file of the authority's own root; empty: the usual roots. */
  caFile: string;
  /** Ends it. */
  signal: AbortSignal;
};

const TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 1024 * 1024;
/** Pebble refuses half of all nonces on purpose. */
const NONCE_TRIES = 20;
const BAD_NONCE = "urn:ietf:params:acme:error:badNonce";

/** Opens a conversation. Sends nothing yet. */
export function openAcmeClient(about: Conversation): AcmeClient {
  const failed: AcmeClient["failed"] = (problem, { retryAfterSeconds, cause } = {}) =>
    fail(
      "certificate_failed",
      {
        name: about.name,
        problem: printable(problem),
        ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
      },
      { cause },
    );
  const send = createSend(about, failed);
  let nonce: string | undefined;
  let known: Directory | undefined;

  async function directory(): Promise<Directory> {
    if (known) return known;
    const { value, problem } = await send(about.directory);
    if (problem) throw failed(`the directory answered: ${wordsOf(problem)}`);
    known = readAs(Directory, value);
    if (!known) throw failed("the directory is not one of RFC 8555");
    return known;
  }
  async function takeNonce(): Promise<string> {
    const taken = nonce;
    nonce = undefined;
    if (taken !== undefined) return taken;
    const { headers } = await send((await directory()).newNonce, { method: "HEAD" });
    return headers.get("replay-nonce") ?? "";
  }
  const post: AcmeClient["post"] = async ({ key, account }, url, payload) => {
    for (let tries = 1; ; tries += 1) {
      const who = account === undefined ? { jwk: key.jwk } : { kid: account };
      const body = await key.sign({ ...who, nonce: await takeNonce(), url }, payload);
      const headers = { "content-type": "application/jose+json" };
      const answer = await send(url, { method: "POST", headers, body });
      nonce = answer.headers.get("replay-nonce") ?? undefined;
      if (answer.problem?.type !== BAD_NONCE || tries === NONCE_TRIES) return answer;
    }
  };
  const pause: AcmeClient["pause"] = async (ms) => {
    await waitFor(ms, about.signal);
    if (about.signal.aborted) throw failed("the server is stopping");
  };
  return { directory, post, pause, failed, signal: about.signal };
}

type Send = (url: string, init?: RequestInit) => Promise<AcmeAnswer>;

function createSend(about: Conversation, failed: AcmeClient["failed"]): Send {
  return async (url, init = {}) => {
    const ca = about.caFile === "" ? undefined : await readTextIfAny(about.caFile);
    if (ca === undefined && about.caFile !== "")
      throw failed(`there is no file "${about.caFile}" (acme.caFile)`);
    const { host } = new URL(url);
    try {
      const answer = await fetch(url, {
        ...init,
        redirect: "error",
        signal: AbortSignal.any([about.signal, AbortSignal.timeout(TIMEOUT_MS)]),
        ...(ca !== undefined && { tls: { ca } }),
      });
      const text = await readText(answer);
      const value = parse(text);
      const problem = answer.ok
        ? undefined
        : (readAs(Problem, value) ?? { detail: `it answered ${answer.status}` });
      return { url: answer.url, headers: answer.headers, value, text, problem };
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw failed(`the authority ${host} cannot be reached: ${why}`, { cause });
    }
  };
}

/** The body as text; one larger than any answer of RFC 8555 is an error. */
async function readText(answer: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of answer.body ?? []) {
    bytes += part.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error("its answer is too large");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}

/** Seconds that an answer asks to wait, or undefined. Takes both forms of RFC 9110 section 10.2.3. */
export function retryAfterOf(headers: Headers, now: Date): number | undefined {
  const text = headers.get("retry-after");
  if (text === null) return undefined;
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : (Date.parse(text) - now.getTime()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}
