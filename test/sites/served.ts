/**
 * A server of sites on a port of its own with a real data folder, for the tests of serving: sites are made and deployed by the
 * verbs, and asked for over real HTTP.
 */
import { expect } from "bun:test";

import type { ServerConfig } from "#base/config.ts";
import { destinationOf } from "#server/edge.ts";
import { UPGRADED } from "#sites/serving/program.ts";
import { createSiteServer, type SiteServer } from "#sites/serving/serve.ts";
import { createSite } from "#sites/site/sites-create.ts";
import type { Visit } from "#traffic/visit.ts";

import { type TestCtx, testCtx } from "../support/ctx.ts";
import { type Person, signUp } from "../support/people.ts";
import { deploy, type Files } from "./deploy-world.ts";

/** A running server of sites. */
export type Served = AsyncDisposable & {
  ctx: TestCtx;
  owner: Person;
  sites: SiteServer;
  port: number;
  /** Every visit that was noted, oldest first. */
  visits: Visit[];
  /** How many answers came from `quick`. */
  quickAnswers: () => number;
  /** The address that the next visitors have. */
  setAddress: (address: string) => void;
  /** Makes a site. */
  site: (name: string) => Promise<void>;
  /** Deploys to a site; answers the deploy's id. */
  deploy: (site: string, files: Files, options?: { draft?: boolean }) => Promise<string>;
  /** Asks `<name>.localhost` for a path; redirects are not followed and codings not undone. */
  get: (
    name: string,
    path: string,
    headers?: Record<string, string>,
    method?: string,
  ) => Promise<Response>;
};

/** Starts one. The clock stands until `ctx.pass` moves it. */
export async function serveSites(config: Partial<ServerConfig> = {}): Promise<Served> {
  const ctx = await testCtx({ config: { "sites.perAccount": 10_000, ...config } });
  const owner = await signUp(ctx, "ada");
  const visits: Visit[] = [];
  let port = 0;
  const reached = { ...ctx, publicUrl: () => `http://localhost:${port}` };
  const sites = createSiteServer(reached, {
    recorder: { note: (visit) => void visits.push(visit) },
  });
  let address = "127.0.0.1";
  let quick = 0;
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    development: false,
    async fetch(request) {
      const peer = { address: () => address, secure: false };
      const at = sites.quick(request, peer);
      if (at) {
        quick += 1;
        return at;
      }
      const to = destinationOf(request.headers.get("host"), ctx.config);
      const answer =
        to.kind === "site" || to.kind === "other"
          ? await sites.answer(request, to, peer)
          : undefined;
      if (answer === UPGRADED) throw new Error("nothing here upgrades");
      return answer ?? new Response("no such host", { status: 421 });
    },
  });
  port = server.port ?? 0;
  return {
    ctx,
    owner,
    sites,
    port,
    visits,
    quickAnswers: () => quick,
    setAddress: (to) => void (address = to),
    async site(name) {
      await createSite(ctx, owner.actor, { name });
    },
    deploy: async (site, files, options) => (await deploy(ctx, owner, site, files, options)).id,
    get: (name, path, headers = {}, method = "GET") =>
      fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        headers: { "accept-encoding": "identity", host: hostOf(name, port), ...headers },
        redirect: "manual",
        decompress: false,
      }),
    async [Symbol.asyncDispose]() {
      await server.stop(true);
      await sites.stop();
      await ctx.close();
    },
  };
}

function hostOf(name: string, port: number): string {
  return name.includes(".") ? name : `${name}.localhost:${port}`;
}

const TEXT = "The quick brown fox jumps over the lazy dog. ".repeat(100);

/** A site with something of everything. */
export const BLOG: Files = {
  "index.html": "<h1>hello</h1>",
  "about.html": "<p>about</p>",
  "folder/index.html": "<p>folder</p>",
  "long.txt": TEXT,
  "digits.bin": "0123456789",
  "data.json": "{}",
  "assets/app.3f2a9c1b.js": `// ${TEXT}`,
  "assets/photo-a1b2c3d4.png": "not really",
  "empty.txt": "",
  "big.bin": new Uint8Array(3 * 1024 * 1024).map((_, at) => at % 251),
  "404.html": "<h1>lost</h1>",
  "private/404.html": "<h1>nothing private</h1>",
  _headers: [
    "/about",
    "  X-Kept: yes",
    "  Cache-Control: public, max-age=60",
    "  Content-Length: 5",
    "  Set-Cookie: a=1",
    "  Set-Cookie: b=2; Domain=localhost",
    "/data.json",
    "  Content-Type: application/geo+json",
  ].join("\n"),
  _redirects: "/old /about 301\n/gone /nowhere 404\n/app/* /index.html 200\n",
};

/** The answer to a GET of the blog; asked twice, so that the second may come from memory. Both must be alike. */
export async function getTwice(
  served: Served,
  path: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  const first = await served.get("blog", path, headers);
  const again = await served.get("blog", path, headers);
  expect(again.status).toBe(first.status);
  const told = (of: Response) => [...of.headers].filter(([name]) => name !== "date");
  // The boundary of parts is another each time.
  if (first.headers.get("content-type")?.startsWith("multipart/")) return first;
  expect(told(again)).toEqual(told(first));
  expect(Bun.hash(await again.bytes())).toBe(Bun.hash(await first.clone().bytes()));
  return first;
}
