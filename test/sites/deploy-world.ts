/**
 * `test/sites/deploy-world` deploys files to a site over a fresh data folder, by the verbs and over the routes.
 * The tests of deploys call it. It must never reach past them.
 */
import { Elysia } from "elysia";

import type { ServerConfig } from "#base/config.ts";
import { rawTar } from "#fixtures/tar.ts";
import { problems } from "#http/problems.ts";
import { createDeploy } from "#sites/deploys/deploy-create.ts";
import { finalizeDeploy } from "#sites/deploys/deploy-finalize.ts";
import { deployRoutes, oneShotRoutes } from "#sites/deploys/deploy-routes.ts";
import { putBlobs } from "#sites/deploys/upload-tar.ts";
import type { DeployBody, FileList, Finalized } from "#sites/model.ts";
import { createSite } from "#sites/site/sites-create.ts";
import type { Ctx } from "#store/ctx.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { type Person, signUp } from "#test/support/people.ts";

/** Contents by path. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

/** A data folder with two people, ada (admin) and bob, and ada's site `blog`. */
export type World = AsyncDisposable & {
  ctx: TestCtx;
  ada: Person;
  bob: Person;
  /** Sends a request to the routes. */
  call: (
    method: string,
    path: string,
    more?: { as?: Person; body?: unknown; headers?: Record<string, string> },
  ) => Promise<Response>;
};

/** Opens it. */
export async function openWorld(config: Partial<ServerConfig> = {}): Promise<World> {
  const ctx = await testCtx({ config: { registration: "open", ...config } });
  const ada = await signUp(ctx, "ada");
  const bob = await signUp(ctx, "bob");
  await createSite(ctx, ada.actor, { name: "blog" });
  const app = new Elysia({ normalize: false })
    .use(problems({ ctx }))
    .group("/api/v1", (api) => api.use(deployRoutes(ctx)))
    .group("/api", (api) => api.use(oneShotRoutes(ctx)));
  return {
    ctx,
    ada,
    bob,
    call: (method, path, { as = ada, body, headers = {} } = {}) => {
      const plain = body instanceof FormData || body instanceof Uint8Array || body instanceof Blob;
      const sent = body === undefined || plain ? body : JSON.stringify(body);
      return Promise.resolve(
        app.fetch(
          new Request(`http://127.0.0.1:5263${path}`, {
            method,
            headers: { authorization: `Bearer ${as.token}`, ...headers },
            ...(sent !== undefined && { body: sent as FormData }),
          }),
        ),
      );
    },
    [Symbol.asyncDispose]: () => ctx.close(),
  };
}

/** Lower case hex SHA-256. */
export function sha256(content: string | Uint8Array): string {
  return Bun.CryptoHasher.hash("sha256", content, "hex");
}

/** The manifest of contents. */
export function listOf(files: Files): FileList {
  return Object.fromEntries(
    Object.entries(files).map(([path, content]) => [
      path,
      { sha256: sha256(content), size: Buffer.byteLength(content) },
    ]),
  );
}

/** A tar of contents, named by their digests. */
export function tarOf(contents: Iterable<string | Uint8Array>): Buffer {
  return rawTar([...contents].map((content) => ({ name: sha256(content), content })));
}

/** A request with a body, as a verb that streams takes it. */
export function sending(body: Uint8Array | string | ReadableStream): Request {
  return new Request("http://127.0.0.1:5263/", { method: "POST", body: body as string });
}

/** Begins a deploy and sends what is missing. */
export async function upload(
  ctx: Ctx,
  { actor }: Person,
  site: string,
  files: Files,
  more: Partial<DeployBody> = {},
): Promise<{ id: string; sent: number }> {
  const { id, missing } = await createDeploy(ctx, actor, site, { files: listOf(files), ...more });
  const wanted = new Set(missing);
  const contents = new Map(
    Object.values(files).map((content) => [sha256(content), content] as const),
  );
  const tar = tarOf([...contents].filter(([hex]) => wanted.has(hex)).map(([, content]) => content));
  if (missing.length > 0) await putBlobs(ctx, actor, { site, deploy: id }, sending(tar));
  return { id, sent: missing.length };
}

/** Deploys files, whole. */
export async function deploy(
  ctx: Ctx,
  person: Person,
  site: string,
  files: Files,
  more: Partial<DeployBody> = {},
): Promise<Finalized> {
  const { id } = await upload(ctx, person, site, files, more);
  return finalizeDeploy(ctx, person.actor, site, id);
}
