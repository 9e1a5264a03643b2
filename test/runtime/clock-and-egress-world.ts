import { Elysia } from "elysia";

import { problems } from "#http/problems.ts";
import { cronRoutes } from "#runtime/crons/cron-routes.ts";
import { egressRoutes } from "#runtime/egress/egress-routes.ts";
import { putMember } from "#sites/site/members.ts";
import { type Person, signUp } from "#test/support/people.ts";
import { pageOfError } from "#web/pages.tsx";
import { cronPages } from "#web/site-crons.tsx";
import { egressPages } from "#web/site-egress.tsx";

import { type CronWorld, cronWorld } from "./crons-world.ts";

/** The routes and pages of schedules and egress on a port, for the site of ada, where dev is developer and vic viewer. */
export type PagesWorld = AsyncDisposable &
  CronWorld & {
    dev: Person;
    vic: Person;
    url: string;
    /** A page as somebody sees it. */
    page: (path: string, as: Person) => Promise<{ status: number; text: string }>;
    /** Sends a form; answers where it leads, or the page that came back. */
    send: (path: string, as: Person, fields: Record<string, string>) => Promise<string>;
  };

/** Opens it. */
export async function pagesWorld(): Promise<PagesWorld> {
  const world = await cronWorld();
  const { ctx, ada } = world;
  const [dev, vic] = [await signUp(ctx, "dev"), await signUp(ctx, "vic")];
  await putMember(ctx, ada.actor, { site: "blog", user: "dev" }, "developer");
  await putMember(ctx, ada.actor, { site: "blog", user: "vic" }, "viewer");
  const app = new Elysia({ normalize: false })
    .use(problems({ ctx, page: (error, request) => pageOfError(ctx, error, request) }))
    .group("/api/v1", (api) => api.use(cronRoutes(ctx, world.crons())).use(egressRoutes(ctx)))
    .use(cronPages(ctx, world.crons()))
    .use(egressPages(ctx));
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => app.fetch(request),
  });
  const url = `http://127.0.0.1:${server.port}`;
  const headersOf = ({ token }: Person) => ({
    authorization: `Bearer ${token}`,
    accept: "text/html",
  });
  return {
    ...world,
    dev,
    vic,
    url,
    async page(path, as) {
      const answer = await fetch(url + path, { headers: headersOf(as) });
      return { status: answer.status, text: await answer.text() };
    },
    async send(path, as, fields) {
      const answer = await fetch(url + path, {
        method: "POST",
        redirect: "manual",
        headers: headersOf(as),
        body: new URLSearchParams(fields),
      });
      return answer.headers.get("location") ?? `${answer.status} ${await answer.text()}`;
    },
    async [Symbol.asyncDispose]() {
      await server.stop(true);
      await world[Symbol.asyncDispose]();
    },
  };
}
