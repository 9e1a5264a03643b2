import { startSession } from "#accounts/session.ts";
import { revokeToken } from "#accounts/tokens.ts";
import { parseSiteName } from "#base/names.ts";
import { hashSecret } from "#base/tokens.ts";
import { bindToken } from "#http/csrf.ts";
import { createRateLimiter } from "#http/rate.ts";
import { type App, createApp } from "#server/app.ts";
import { createHandler } from "#server/handle.ts";
import { isSite } from "#sites/domains/domain-served.ts";
import { createSiteServer } from "#sites/serving/serve.ts";
import { putMember } from "#sites/site/members.ts";
import { createSite } from "#sites/site/sites-create.ts";
import { put } from "#test/registry/uploads.ts";
import { deploy } from "#test/sites/deploy-world.ts";
import { type TestCtx } from "#test/support/ctx.ts";
import { makeToken, type Person, signUp } from "#test/support/people.ts";
import { plainAnswer, testFunctions } from "#test/support/runtime.ts";

const HOME = "http://127.0.0.1:5263";

/** What a caller adds to a request. */
export type Headers = Record<string, string>;
/** Everyone who may call, by what they call themselves; each call makes a token or session of its own. */
export type Callers = Record<string, () => Promise<Headers>>;

/**
 * A server with the package `left` and the site `blog` of ada, on which dev is developer and vic viewer, the admin root, the
 * stranger bob with a site `shop`, and its request path.
 */
export type World = {
  ctx: TestCtx;
  routes: App["routes"];
  /** The live deploys of `blog` and `shop`. */
  deploys: { blog: string; shop: string };
  /** Makes `blog` with its members where it is gone, and takes a made-up site `made` away. */
  restore: () => Promise<void>;
  stop: () => Promise<void>;
  callers: Callers;
  call: (
    method: string,
    path: string,
    init: { headers: Headers; body?: string | FormData },
  ) => Promise<Response>;
};

/** Makes it. */
export async function openWorld(ctx: TestCtx): Promise<World> {
  const root = await signUp(ctx, "root");
  const ada = await signUp(ctx, "ada");
  const bob = await signUp(ctx, "bob");
  const dev = await signUp(ctx, "dev");
  const vic = await signUp(ctx, "vic");
  await put(ctx, ada, { name: "left", version: "1.0.0" });
  const restore = async (): Promise<void> => {
    if (await isSite(ctx, parseSiteName("blog"))) return;
    await createSite(ctx, ada.actor, { name: "blog" });
    await putMember(ctx, ada.actor, { site: "blog", user: "dev" }, "developer");
    await putMember(ctx, ada.actor, { site: "blog", user: "vic" }, "viewer");
  };
  await restore();
  await createSite(ctx, bob.actor, { name: "shop" });
  const deploys = {
    blog: (await deploy(ctx, ada, "blog", { "index.html": "of ada" })).id,
    shop: (await deploy(ctx, bob, "shop", { "index.html": "of bob" })).id,
  };
  const functions = testFunctions(ctx);
  const app = createApp(ctx, functions.runtime);
  const sites = createSiteServer(ctx, { recorder: { note: () => undefined } });
  const toHttps = () => Promise.resolve(undefined);
  const limiter = createRateLimiter(ctx.now);
  const handle = createHandler(ctx, { app, limiter, sites, toHttps });
  const bearer = ({ token }: Person): Headers => ({ authorization: `Bearer ${token}` });
  const scoped = (person: Person, scope: string) => async () =>
    bearer(await makeToken(ctx, person, scope));
  return {
    ctx,
    routes: app.routes,
    deploys,
    restore,
    async stop() {
      await functions.stop();
      await sites.stop();
    },
    callers: {
      nobody: () => Promise.resolve({}),
      "a token that is none": () => Promise.resolve({ authorization: "Bearer land_x" }),
      "bob account": scoped(bob, "account"),
      "root account": scoped(root, "account"),
      "root admin": scoped(root, "admin"),
      "ada account": scoped(ada, "account"),
      "ada read": scoped(ada, "read"),
      "ada publish": scoped(ada, "publish"),
      "ada publish:left": scoped(ada, "publish:left"),
      "ada publish:right": scoped(ada, "publish:right"),
      "ada yank": scoped(ada, "yank"),
      "ada deploy": scoped(ada, "deploy"),
      "ada site:left": scoped(ada, "site:left"),
      "ada deploy:left": scoped(ada, "deploy:left"),
      "ada site:blog": scoped(ada, "site:blog"),
      "ada deploy:blog": scoped(ada, "deploy:blog"),
      "ada stats:blog": scoped(ada, "stats:blog"),
      "ada deploy:blog, revoked": () => revoked(ctx, ada, "deploy:blog"),
      "ada account, revoked": () => revoked(ctx, ada, "account"),
      "dev account": scoped(dev, "account"),
      "dev deploy:blog": scoped(dev, "deploy:blog"),
      "vic account": scoped(vic, "account"),
      "vic site:blog": scoped(vic, "site:blog"),
      "bob site:blog": scoped(bob, "site:blog"),
      "bob deploy": scoped(bob, "deploy"),
      "root site:blog": scoped(root, "site:blog"),
      ...sessionsOf(ctx, ada),
    },
    call: async (method, path, { headers, body }) =>
      plainAnswer(
        await handle(
          new Request(HOME + path, {
            method,
            headers: { host: new URL(HOME).host, ...headers },
            ...(body !== undefined && { body }),
          }),
          { address: () => "127.0.0.1", secure: false },
        ),
      ),
  };
}

/** What a token sends that was revoked a moment ago. */
async function revoked(ctx: TestCtx, maker: Person, scope: string): Promise<Headers> {
  const { token, actor } = await makeToken(ctx, maker, scope);
  if (actor.via.kind === "token") await revokeToken(ctx, maker.actor, actor.via.id);
  return { authorization: `Bearer ${token}` };
}

/** A browser on our own page, and all ways in which another page's requests differ from it. */
function sessionsOf(ctx: TestCtx, { actor }: Person): Callers {
  const open = async (change: (own: Headers) => Headers): Promise<Headers> => {
    const { cookie } = await startSession(ctx, actor.userId, new Request(HOME));
    const [pair = ""] = cookie.split(";", 1);
    const secret = pair.slice(pair.indexOf("=") + 1);
    const token = bindToken(ctx, "session", hashSecret(secret));
    return { cookie: pair, ...change({ origin: HOME, "x-csrf-token": token }) };
  };
  return {
    "ada session": () => open((own) => own),
    "ada session, no security token": () => open(({ origin = "" }) => ({ origin })),
    "ada session, another's security token": async () => {
      const foreign = (await open((own) => own))["x-csrf-token"] ?? "";
      return open((own) => ({ ...own, "x-csrf-token": foreign }));
    },
    "ada session, foreign Origin": () => open((own) => ({ ...own, origin: "http://evil.example" })),
    "ada session, a site's Origin": () =>
      open((own) => ({ ...own, origin: "http://left.localhost:5263" })),
    "ada session, no Origin": () => open(({ origin: _origin, ...own }) => own),
    "ada session, Origin null": () => open((own) => ({ ...own, origin: "null" })),
  };
}
