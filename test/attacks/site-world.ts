import { readdir } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";

import type { Deploy, Finalized } from "#sites/model.ts";

import { type TestServer, testServer } from "../support/server.ts";
import { archiveForm, type Files } from "./archive-form.ts";
import { sendRaw } from "./wire.ts";

/** A server with ada, who is admin, and eve, who wants what is not hers. */
export type SiteWorld = AsyncDisposable & {
  server: TestServer;
  port: number;
  ada: string;
  eve: string;
  /** Deploys by one request, made live. */
  deploy: (token: string, site: string, files: Files, fields?: Files) => Promise<Finalized>;
  /** The live deploy of a site. */
  live: (site: string) => Promise<Deploy | undefined>;
  /** Asks with bytes as they are, over a connection of its own; answers what came back. */
  ask: (
    host: string,
    target: string,
    headers?: readonly string[],
    method?: string,
  ) => Promise<string>;
  /** What lies in the folder of unfinished uploads. */
  staged: () => Promise<string[]>;
};

/** Starts it. */
export async function siteWorld(env: Record<string, string> = {}): Promise<SiteWorld> {
  const server = await testServer({ LAND_REGISTRATION: "open", ...env });
  const ada = await server.register("ada");
  const eve = await server.register("eve");
  return {
    server,
    port: Number(new URL(server.url).port),
    ada,
    eve,
    async deploy(token, site, files, fields = {}) {
      const answer = await fetch(`${server.url}/api/deploy`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
        body: archiveForm(site, files, fields),
      });
      const value = await answer.json();
      if (!answer.ok) throw new Error(`not deployed: ${JSON.stringify(value)}`);
      return value as Finalized;
    },
    async live(site) {
      const { value } = await server.call<{ live?: Deploy | null }>("GET", `/sites/${site}`, {
        token: ada,
      });
      return value.live ?? undefined;
    },
    ask: (host, target, headers = [], method = "GET") =>
      sendRaw(
        server,
        Buffer.from(rawRequest(method, target, [`Host: ${host}`, ...headers]), "latin1"),
      ),
    staged: () => readdir(join(server.data, "blobs/staging")),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A request without a body, on a connection that ends after it. */
export function rawRequest(method: string, target: string, headers: readonly string[]): string {
  return `${method} ${target} HTTP/1.1\r\n${[...headers, "Connection: close"].join("\r\n")}\r\n\r\n`;
}

/** The body of an answer as it came over the wire. */
export function bodyOf(answer: string): string {
  return answer.slice(answer.indexOf("\r\n\r\n") + 4);
}

/** One header of an answer as it came over the wire. */
export function headerOf(answer: string, name: string): string | undefined {
  const head = answer.slice(0, answer.indexOf("\r\n\r\n"));
  return new RegExp(`^${name}: (.*)$`, "im").exec(head)?.[1]?.trim();
}

/** Waits until answers may be kept ready: those of a deploy are not within the second of its release. */
export async function untilHot(): Promise<void> {
  const started = Math.ceil(Date.now() / 1000) * 1000;
  while (Date.now() <= started) await Bun.sleep(started - Date.now() + 1);
}

/** Sends bytes and goes away: politely by FIN, or by breaking the connection. Resolves when the connection is closed. */
export function sendCut(port: number, bytes: Uint8Array, how: "fin" | "rst"): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = connect(port, "127.0.0.1", () => {
    socket.write(bytes, () => {
      if (how === "rst") socket.resetAndDestroy();
      else socket.end();
    });
  });
  socket.on("data", () => undefined);
  socket.on("error", () => undefined);
  socket.on("close", () => resolve());
  return promise;
}
