import { randomBytes } from "node:crypto";
import { join } from "node:path";

import type { ConfigKey } from "#base/settings.ts";
import { type Running, startServer } from "#server/start.ts";

import { temporaryFolder } from "./land.ts";
import { PASSWORD } from "./people.ts";

/** A server in this process, on a port of its own, with a data folder of its own. */
export type TestServer = AsyncDisposable &
  Running & {
    data: string;
    /** What it wrote to stderr so far: its log. */
    log: () => string;
    /** What it wrote to stdout so far. */
    out: () => string;
    /** Sends JSON to the API and answers status and value. */
    call: <T = Record<string, unknown>>(
      method: string,
      path: string,
      options?: { token?: string; body?: unknown; headers?: Record<string, string> },
    ) => Promise<{ status: number; headers: Headers; value: T }>;
    /** Makes an account and answers its token. */
    register: (username: string) => Promise<string>;
  };

/** Starts it. `env` are `LAND_*` settings; rate limits count as in life, and never on loopback. */
export async function testServer(
  env: Record<string, string> = {},
  folder?: string,
  flags: Partial<Record<ConfigKey, string>> = {},
): Promise<TestServer> {
  const temporary = folder === undefined ? await temporaryFolder("server") : undefined;
  const data = folder ?? join(temporary?.path ?? "", "data");
  let log = "";
  let out = "";
  const running = await startServer({
    data,
    flags: { port: "0", ...flags },
    env,
    writeOut: (text) => void (out += text),
    writeErr: (text) => void (log += text),
    now: () => new Date(),
    random: (bytes) => new Uint8Array(randomBytes(bytes)),
  });
  const call: TestServer["call"] = async (method, path, { token, body, headers } = {}) => {
    const answer = await fetch(`${running.url}/api/v1${path}`, {
      method,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, value: JSON.parse(text || "null") };
  };
  return {
    ...running,
    data,
    log: () => log,
    out: () => out,
    call,
    async register(username) {
      const body = {
        username,
        email: `${username}@example.com`,
        password: PASSWORD,
      };
      const { value } = await call<{ token: string }>("POST", "/users/register", { body });
      return value.token;
    },
    async [Symbol.asyncDispose]() {
      await running.stop();
      await temporary?.[Symbol.asyncDispose]();
    },
  };
}
