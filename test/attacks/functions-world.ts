import { chmod, copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";

import type { Finalized, LogLine } from "#sites/model.ts";

import { landBinary } from "../support/binary.ts";
import { type LandServer, startLand, temporaryFolder } from "../support/land.ts";
import { PASSWORD } from "../support/people.ts";
import { askSite } from "../support/site.ts";
import { archiveForm, type Files } from "./archive-form.ts";

/** What a visitor got. `code`: the server answered in place of the program. */
export type Told = {
  status: number;
  code: string | undefined;
  text: string;
  headers: Headers;
};

/** A real `land serve` with two people who do not know each other: ada, whose site "victim" is, and eve, who deploys what she likes. */
export type FunctionWorld = AsyncDisposable & {
  server: LandServer;
  data: string;
  port: number;
  ada: string;
  eve: string;
  /** Deploys files, or a program alone, and makes it live. */
  deploy: (token: string, site: string, program: string, files?: Files) => Promise<Finalized>;
  /** Sends JSON to the API. */
  call: <T = Record<string, unknown>>(
    token: string,
    method: string,
    path: string,
    body?: unknown,
  ) => Promise<{ status: number; value: T }>;
  /** Writes into the key-value store of a site. */
  putKey: (token: string, site: string, key: string, value: string) => Promise<void>;
  /** Asks a site; one that does not answer within 20 s is a failure. */
  ask: (
    site: string,
    path: string,
    init?: Omit<RequestInit, "headers"> & { headers?: Record<string, string> },
  ) => Promise<Told>;
  /** The newest lines of a site's log. */
  log: (token: string, site: string) => Promise<LogLine[]>;
  /** Waits for a line of the log that matches. */
  line: (token: string, site: string, pattern: RegExp) => Promise<LogLine>;
  /** Memory of the server's process, in bytes. */
  memory: () => Promise<number>;
};

const ASK_MS = 20_000;
const LINE_MS = 45_000;

/** Starts it. `env` are `LAND_*` settings. */
export async function functionWorld(
  env: Record<string, string> = {},
  options: { asUser?: boolean } = {},
): Promise<FunctionWorld> {
  const folder = await temporaryFolder("functions");
  const data = join(folder.path, "data");
  const server = await startLand({
    data,
    home: folder.path,
    env: { LAND_REGISTRATION: "open", ...env },
    ...(options.asUser && { program: await programAsUser(folder.path) }),
  });
  const call: FunctionWorld["call"] = async (token, method, path, body) => {
    const answer = await fetch(`${server.url}/api/v1${path}`, {
      method,
      headers: {
        ...(token !== "" && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, value: JSON.parse((await answer.text()) || "null") };
  };
  const register = async (username: string): Promise<string> => {
    const body = { username, email: `${username}@example.com`, password: PASSWORD };
    return (await call<{ token: string }>("", "POST", "/users/register", body)).value.token;
  };
  const log: FunctionWorld["log"] = async (token, site) => {
    const path = `/sites/${site}/logs?limit=100`;
    return (await call<{ items: LogLine[] }>(token, "GET", path)).value.items;
  };
  return {
    server,
    data,
    port: Number(new URL(server.url).port),
    ada: await register("ada"),
    eve: await register("eve"),
    call,
    log,
    async deploy(token, site, program, files = {}) {
      const answer = await fetch(`${server.url}/api/deploy`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
        body: archiveForm(site, { "main.js": program, ...files }),
      });
      const value = await answer.json();
      if (!answer.ok) throw new Error(`not deployed: ${JSON.stringify(value)}`);
      return value as Finalized;
    },
    async putKey(token, site, key, value) {
      const answer = await fetch(`${server.url}/api/v1/sites/${site}/kv/${key}`, {
        method: "PUT",
        headers: { authorization: `Bearer ${token}` },
        body: value,
      });
      if (!answer.ok) throw new Error(await answer.text());
    },
    ask: (site, path, init) => askOne(server, site, path, init),
    async line(token, site, pattern) {
      for (const end = Date.now() + LINE_MS; ; await Bun.sleep(100)) {
        const lines = await log(token, site);
        const found = lines.find(({ message }) => pattern.test(message));
        if (found) return found;
        if (Date.now() > end)
          throw new Error(
            `no line ${String(pattern)} in:\n${lines.map(({ message }) => message).join("\n")}`,
          );
      }
    },
    async memory() {
      const status = await readFile(`/proc/${server.pid}/status`, "utf8");
      return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function askOne(
  server: LandServer,
  site: string,
  path: string,
  init: Omit<RequestInit, "headers"> & { headers?: Record<string, string> } = {},
): Promise<Told> {
  const signal = AbortSignal.timeout(ASK_MS);
  const answer = await askSite(server, site, path, { signal, ...init }).catch((error: unknown) => {
    // It broke off before it had begun, so to say.
    if (error instanceof Error && !signal.aborted) return new Response("broke off");
    throw error;
  });
  // A body may break off: what came of it is not what is looked at then.
  const text = await answer.text().catch(() => "broke off");
  const code = answer.headers.get("x-land-code") ?? undefined;
  return { status: answer.status, code, text, headers: answer.headers };
}

/** How the service runs it: not as root, so that all processes have the uid of the server. */
async function programAsUser(folder: string): Promise<string[]> {
  const binary = join(folder, "land");
  await copyFile(await landBinary(), binary);
  await chmod(folder, 0o777);
  const user = ["--reuid", "65534", "--regid", "65534", "--clear-groups"];
  return [Bun.which("setpriv") ?? "setpriv", ...user, binary];
}

/** Whether the tests may start a server as another user. */
export const canChangeUser = process.geteuid?.() === 0 && Bun.which("setpriv") !== null;
