/**
 * `test/attacks` plays the stranger: what no client sends, sent to a real server.
 * This file is its wire. It must never go further than loopback.
 */
import { connect } from "node:net";

import type { TestServer } from "../support/server.ts";

/** Sends bytes as they are and answers what came back until the connection closed. */
export function sendRaw(
  server: Pick<TestServer, "url">,
  text: string | Uint8Array,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1", () => socket.write(text));
  let answer = "";
  socket.on("data", (chunk) => (answer += chunk.toString("latin1")));
  socket.on("close", () => resolve(answer));
  socket.on("error", reject);
  return promise;
}

/** The status of an answer as it came over the wire; NaN where there is none. */
export const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);

/** The code of the problem in an answer. */
export const codeOf = (answer: string): string | undefined => /"code":"(\w+)"/.exec(answer)?.[1];
