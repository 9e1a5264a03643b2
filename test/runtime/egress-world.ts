import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import type { ServerConfig } from "#base/config.ts";
import { parseDeployId, parseSiteName } from "#base/names.ts";
import type { Body, HeaderList, LinkResponse } from "#bridge/model.ts";
import { createEgress, type Egress, type EgressOptions } from "#runtime/egress/egress.ts";
import type { Tenant } from "#runtime/tenant.ts";
import { makeSite } from "#test/sites/domain-world.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { type Person, signUp } from "#test/support/people.ts";

/** A site of ada whose program fetches, with a server on loopback that it may ask. */
export type EgressWorld = AsyncDisposable & {
  ctx: TestCtx;
  ada: Person;
  egress: Egress;
  tenant: Tenant;
  /** `127.0.0.1:<port>` of the server. */
  origin: string;
  /** Requests that came, as `GET /path`. */
  asked: string[];
  /** What the server answers. */
  answer: (handler: (request: IncomingMessage, response: ServerResponse) => void) => void;
  /** A `fetch` of the program. */
  fetch: (url: string, options?: FetchOptions) => Promise<LinkResponse>;
};

/** What of a `fetch` may be set. */
export type FetchOptions = {
  method?: string;
  headers?: HeaderList;
  body?: Body;
  requestId?: string;
  signal?: AbortSignal;
};

/** Makes it. Names are resolved by `names`, and by nothing else; the server's own address is open to programs. */
export async function egressWorld(
  options: {
    config?: Partial<ServerConfig>;
    names?: Record<string, string[]>;
    more?: Partial<EgressOptions>;
  } = {},
): Promise<EgressWorld> {
  let handler: (request: IncomingMessage, response: ServerResponse) => void = (_, response) =>
    void response.end("hello");
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    handler(request, response);
  });
  const origin = await listen(server);
  const ctx = await testCtx({
    config: {
      domain: "land.example",
      registration: "open",
      "functions.egressPrivate": [origin],
      ...options.config,
    },
  });
  const ada = await signUp(ctx, "ada");
  const siteId = await makeSite(ctx, ada.actor, "blog");
  const egress = createEgress(ctx, {
    ownAddresses: () => ["198.41.0.4"],
    resolve: (host) => Promise.resolve(options.names?.[host] ?? []),
    ...options.more,
  });
  const tenant = { siteId, site: parseSiteName("blog"), deploy: parseDeployId("aaaaaaaaaa") };
  return {
    ctx,
    ada,
    egress,
    tenant,
    origin,
    asked,
    answer: (next) => void (handler = next),
    async fetch(url, { method = "GET", headers = [], body = null, requestId = "r1", signal } = {}) {
      const { request } = egress.binding;
      if (!request) throw new Error("no request");
      const head = { method, url, headers, requestId, address: "" };
      return request(tenant, head, body, signal ?? new AbortController().signal);
    },
    async [Symbol.asyncDispose]() {
      await egress.stop();
      server.closeAllConnections();
      server.close();
      await ctx.close();
    },
  };
}

/** Listens on loopback; answers the address with its port. */
export async function listen(server: Pick<Server, "listen" | "address">): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The body of an answer as text. */
export async function textOf({ body }: LinkResponse): Promise<string> {
  return body === null ? "" : await new Response(body).text();
}

/** A header of an answer. */
export function headerOf({ headers }: LinkResponse, name: string): string | undefined {
  return headers.find(([one]) => one === name)?.[1];
}

/** `code: message` of what a fetch rejects with. */
export async function refusalOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "done";
  } catch (error) {
    return error instanceof Error && "code" in error
      ? `${String(error.code)}: ${error.message}`
      : `threw ${String(error)}`;
  }
}
