import { startSession } from "#accounts/session.ts";
import { hashSecret } from "#base/tokens.ts";
import { bindToken } from "#http/csrf.ts";
import { createRateLimiter } from "#http/rate.ts";
import { type App, createApp } from "#server/app.ts";
import { createHandler } from "#server/handle.ts";
import { put } from "#test/registry/uploads.ts";
import { type TestCtx } from "#test/support/ctx.ts";
import { makeToken, type Person, signUp } from "#test/support/people.ts";

const HOME = "http://127.0.0.1:5263";

/** What a caller adds to a request. */
export type Headers = Record<string, string>;
/** Everyone who may call, by what they call themselves; each call makes a token or session of its own. */
export type Callers = Record<string, () => Promise<Headers>>;

/** A server with the package `left` of ada, the admin root, the stranger bob, and its request path. */
export type World = {
  routes: App["routes"];
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
  await put(ctx, ada, { name: "left", version: "1.0.0" });
  const app = createApp(ctx);
  const handle = createHandler(ctx, app, createRateLimiter(ctx.now));
  const bearer = ({ token }: Person): Headers => ({ authorization: `Bearer ${token}` });
  const scoped = (person: Person, scope: string) => async () =>
    bearer(await makeToken(ctx, person, scope));
  return {
    routes: app.routes,
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
      ...sessionsOf(ctx, ada),
    },
    call: (method, path, { headers, body }) =>
      handle(
        new Request(HOME + path, {
          method,
          headers: { host: new URL(HOME).host, ...headers },
          ...(body !== undefined && { body }),
        }),
        "127.0.0.1",
      ),
  };
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
