import type { Ctx } from "#store/ctx.ts";

import { openAccount } from "./acme-account.ts";
import { closeChallenge, openChallenge } from "./acme-challenges.ts";
import { type AcmeAnswer, type AcmeClient, retryAfterOf, type Signer } from "./acme-client.ts";
import { removeRecord, setRecord } from "./acme-dns.ts";
import { digestOf } from "./acme-key.ts";
import { Authorization, Order, readAs, wordsOf } from "./acme-wire.ts";

/** How a name is proven to an authority. */
export type Method = "http-01" | "dns-01";

/** A certificate as an authority gave it. */
export type Issued = {
  /** PEM. */
  chain: string;
  key: string;
};

const ACCOUNT_UNKNOWN = "urn:ietf:params:acme:error:accountDoesNotExist";
/** How long an authority may take for one step, in all. */
const PATIENCE_MS = 180_000;
const FIRST_LOOK_MS = 100;
const MAX_PAUSE_MS = 10_000;

/** Gets a certificate for some names: order, proofs, request, download. @throws certificate_failed */
export async function orderCertificate(
  ctx: Ctx,
  client: AcmeClient,
  names: readonly string[],
  method: Method,
): Promise<Issued> {
  const identifiers = names.map((value) => ({ type: "dns", value }));
  const { newOrder } = await client.directory();
  let signer = await openAccount(ctx, client);
  let answer = await client.post(signer, newOrder, { identifiers });
  if (answer.problem?.type === ACCOUNT_UNKNOWN) {
    signer = await openAccount(ctx, client, { renew: true });
    answer = await client.post(signer, newOrder, { identifiers });
  }
  const work: Work = { ctx, client, signer, method };
  const order = orderOf(work, answer);
  const url = new URL(accepted(work, answer).headers.get("location") ?? "", newOrder).href;
  await proveAll(work, order.authorizations);
  return finish(work, { url, finalize: order.finalize, names });
}

type Work = { ctx: Ctx; client: AcmeClient; signer: Signer; method: Method };

/** Proves every name. What was opened for it is closed in any case. */
async function proveAll(work: Work, urls: readonly string[]): Promise<void> {
  const closers: (() => Promise<void>)[] = [];
  try {
    const open: { url: string; challenge: string }[] = [];
    for (const url of urls) {
      const authorization = await readAuthorization(work, url);
      if (authorization.status === "valid") continue;
      const challenge = authorization.challenges.find(({ type }) => type === work.method);
      if (authorization.status !== "pending" || challenge?.token === undefined)
        throw work.client.failed(`the authority offers no ${work.method} for it`);
      const host = authorization.identifier.value.toLowerCase();
      closers.push(await prepare(work, host, challenge.token));
      open.push({ url, challenge: challenge.url });
    }
    for (const { challenge } of open)
      accepted(work, await work.client.post(work.signer, challenge, {}));
    for (const { url } of open) await awaitValid(work, url);
  } finally {
    for (const close of closers)
      await close().catch((cause: unknown) =>
        work.ctx.log.warn("acme challenge left open", { cause }),
      );
  }
}

/** Makes a challenge answerable. Returns the way to end that. */
async function prepare({ ctx, client, signer, method }: Work, host: string, token: string) {
  const authorization = signer.key.authorize(token);
  if (method === "http-01") {
    await openChallenge(ctx, { host, token, authorization });
    return () => closeChallenge(ctx, token);
  }
  const record = { record: `_acme-challenge.${host}`, value: digestOf(authorization) };
  try {
    await setRecord(ctx, client, record);
  } catch (error) {
    await removeRecord(ctx, record);
    throw error;
  }
  return () => removeRecord(ctx, record);
}

async function readAuthorization(work: Work, url: string): Promise<Authorization> {
  const { value } = accepted(work, await work.client.post(work.signer, url));
  const authorization = readAs(Authorization, value);
  if (!authorization) throw work.client.failed("an authorization is not one of RFC 8555");
  return authorization;
}

async function awaitValid(work: Work, url: string): Promise<void> {
  await look(work, url, (answer) => {
    const authorization = readAs(Authorization, answer.value);
    if (authorization?.status === "valid") return true;
    if (authorization?.status === "pending") return undefined;
    const error = authorization?.challenges.find((challenge) => challenge.error)?.error;
    throw work.client.failed(
      error ? wordsOf(error) : `the proof is ${authorization?.status ?? "unreadable"}`,
    );
  });
}

/** Sends the request of a proven order and downloads what comes of it. */
async function finish(
  work: Work,
  { url, finalize, names }: { url: string; finalize: string; names: readonly string[] },
): Promise<Issued> {
  const { client, signer } = work;
  const settled = (answer: AcmeAnswer): Order | undefined => {
    const order = orderOf(work, answer);
    if (order.status === "invalid")
      throw client.failed(order.error ? wordsOf(order.error) : "the order is invalid");
    return order.status === "pending" || order.status === "processing" ? undefined : order;
  };
  await look(work, url, settled);
  const { makeCertificateRequest } = await import("./acme-csr.ts");
  const { csr, key } = await makeCertificateRequest(names);
  accepted(work, await client.post(signer, finalize, { csr }));
  const { certificate } = await look(work, url, (answer) => {
    const order = settled(answer);
    return order?.status === "valid" ? order : undefined;
  });
  if (certificate === undefined) throw client.failed("the order has no certificate");
  const { text: chain } = accepted(work, await client.post(signer, certificate));
  return { chain, key };
}

/** Reads an address again and again until `settle` answers. Obeys Retry-After, within limits. */
async function look<T>(
  work: Work,
  url: string,
  settle: (answer: AcmeAnswer) => T | undefined,
): Promise<T> {
  let waited = 0;
  for (let pause = FIRST_LOOK_MS; waited < PATIENCE_MS; pause *= 1.6) {
    const answer = accepted(work, await work.client.post(work.signer, url));
    const settled = settle(answer);
    if (settled !== undefined) return settled;
    const asked = (retryAfterOf(answer.headers, work.ctx.now()) ?? 0) * 1000;
    const ms = Math.min(Math.max(pause, asked), MAX_PAUSE_MS);
    await work.client.pause(ms);
    waited += ms;
  }
  throw work.client.failed("the authority did not come to an end in time");
}

function orderOf(work: Work, answer: AcmeAnswer): Order {
  const order = readAs(Order, accepted(work, answer).value);
  if (!order) throw work.client.failed("an order is not one of RFC 8555");
  return order;
}

function accepted({ ctx, client }: Work, answer: AcmeAnswer): AcmeAnswer {
  if (!answer.problem) return answer;
  const retryAfterSeconds = retryAfterOf(answer.headers, ctx.now());
  throw client.failed(
    wordsOf(answer.problem),
    retryAfterSeconds === undefined ? {} : { retryAfterSeconds },
  );
}
