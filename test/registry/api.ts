import { Elysia } from "elysia";

import { problems } from "#http/problems.ts";
import { startDownloadCounter } from "#registry/downloads.ts";
import { registryRoutes } from "#registry/routes.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { parseObject, type Person, signUp } from "#test/support/people.ts";

import { type About, partsOf } from "./uploads.ts";

type Call = { as?: Person; headers?: Record<string, string>; body?: FormData | string };

/** The routes of the registry over a fresh data folder with two people, ada and bob. */
export type Api = {
  ctx: TestCtx;
  ada: Person;
  bob: Person;
  counter: ReturnType<typeof startDownloadCounter>;
  fetch: (request: Request) => Promise<Response>;
  call: (method: string, path: string, more?: Call) => Promise<Response>;
  get: (path: string, headers?: Record<string, string>) => Promise<Response>;
  /** Publishes as ada. */
  post: (about: About) => Promise<Response>;
  close: () => Promise<void>;
};

/** Opens the routes. */
export async function openApi(): Promise<Api> {
  const ctx = await testCtx({ config: { registration: "open" } });
  const ada = await signUp(ctx, "ada");
  const bob = await signUp(ctx, "bob");
  const counter = startDownloadCounter(ctx);
  const app = new Elysia().use(problems({ ctx })).use(registryRoutes(ctx));
  const fetch: Api["fetch"] = (request) => Promise.resolve(app.fetch(request));
  const call: Api["call"] = (method, path, { as, headers = {}, body } = {}) =>
    fetch(
      new Request(`http://127.0.0.1:5263${path}`, {
        method,
        headers: { ...(as && { authorization: `Bearer ${as.token}` }), ...headers },
        ...(body !== undefined && { body }),
      }),
    );
  return {
    ctx,
    ada,
    bob,
    counter,
    fetch,
    call,
    get: (path, headers = {}) => call("GET", path, { headers }),
    post: (about) => call("POST", "/packages", { as: ada, body: formOf(about) }),
    async close() {
      await counter.stop();
      await ctx.close();
    },
  };
}

/** The form of a publish that is right. */
export function formOf(about: About): FormData {
  const { manifest, bytes } = partsOf(about);
  const form = new FormData();
  form.set("manifest", JSON.stringify(manifest));
  form.set("tarball", new Blob([Uint8Array.from(bytes)]), "x.tgz");
  return form;
}

/** `404 package_not_found` of an answer that must be a problem. */
export async function problemOf(answer: Response | Promise<Response>): Promise<string> {
  const { status, headers } = await answer;
  const type = headers.get("content-type") ?? "";
  if (type !== "application/problem+json") return `${status} ${type}`;
  const { code, status: told } = parseObject(await (await answer).text());
  return told === status ? `${status} ${String(code)}` : `${status}, told ${String(told)}`;
}
