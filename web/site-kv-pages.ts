import { Elysia } from "elysia";

import type { Actor } from "#accounts/actor.ts";
import { fail } from "#base/errors.ts";
import { toKvValue } from "#runtime/kv/kv-answer.ts";
import { deleteKv, listKv, putKv, readKv } from "#runtime/kv/kv-verbs.ts";
import type { Kv } from "#runtime/kv/kv.ts";
import type { Ctx } from "#store/ctx.ts";

import { statusOf } from "./account-pages.tsx";
import { answerPage, type Form, type PageStatus, type Query, redirect } from "./frame.ts";
import { type KvForm, kvKeyPath, SiteKvKeyPage, SiteKvPage } from "./site-kv.tsx";
import { sitePath } from "./site-layout.tsx";
import { act, actOrAgain, readSiteVisit } from "./site-visit.ts";
import { typedText } from "./text-area.tsx";

type Params = { ctx: Ctx; kv: Kv; request: Request; site: string };

const PAGE = 50;
const NONE = { parse: "none" } as const;

/** The pages of the key-value stores of sites, and their forms. */
export function kvPages(ctx: Ctx, kv: Kv) {
  return new Elysia({ name: "web.sites.kv", prefix: "/sites" })
    .get("/:site/kv", ({ request, params: { site }, query }) =>
      showKeys({ ctx, kv, request, site }, query, undefined),
    )
    .get("/:site/kv/entry", ({ request, params: { site }, query }) =>
      showKey({ ctx, kv, request, site }, query["key"] ?? "", undefined),
    )
    .post("/:site/kv", ({ request, params: { site } }) => takeKey({ ctx, kv, request, site }), NONE)
    .post(
      "/:site/kv/delete",
      ({ request, params: { site } }) =>
        act(ctx, request, `${sitePath(site, "kv")}?done=kv-deleted`, (actor, form) =>
          deleteKv(ctx, kv, actor, { site, key: form.text("key") }),
        ),
      NONE,
    );
}

async function showKeys(
  { ctx, kv, request, site: name }: Params,
  query: Query,
  form: KvForm | undefined,
  status: PageStatus = {},
): Promise<Response> {
  const visit = await readSiteVisit(ctx, request, name);
  if (visit instanceof Response) return visit;
  const { prefix = "", cursor } = query;
  const page = await listKv(ctx, kv, visit.actor, name, { prefix, cursor, limit: PAGE });
  const props = { ...visit, page, prefix, isLater: cursor !== undefined, form };
  return answerPage(SiteKvPage(props), { ...status, isSecret: true });
}

async function showKey(
  { ctx, kv, request, site }: Params,
  key: string,
  form: KvForm | undefined,
  status: PageStatus = {},
): Promise<Response> {
  const visit = await readSiteVisit(ctx, request, site);
  if (visit instanceof Response) return visit;
  const found = await readKv(ctx, kv, visit.actor, { site, key });
  const sizeBytes = found.value.byteLength;
  const page = SiteKvKeyPage({ ...visit, entry: toKvValue(key, found), sizeBytes, form });
  return answerPage(page, { ...status, isSecret: true });
}

function takeKey(params: Params): Promise<Response> {
  const { ctx, kv, request, site } = params;
  return actOrAgain(
    ctx,
    request,
    async (actor: Actor, form: Form) => {
      const key = form.text("key");
      // The form of a key that is there tells which one it was made from.
      const versionstamp = form.text("versionstamp") || undefined;
      const about = { ttlSeconds: parseTtl(form.text("ttl")), versionstamp };
      const metadata = versionstamp === undefined ? {} : await metadataOf(params, actor, key);
      const value = new TextEncoder().encode(typedText(form.text("value")));
      await putKv(ctx, kv, actor, { site, key }, value, { ...about, ...metadata });
      return redirect(`${kvKeyPath(site, key)}&done=kv-set`);
    },
    (form, problems, error) => {
      const [key, value] = [form.text("key"), typedText(form.text("value"))];
      const back = { key, value, ttl: form.text("ttl"), problems };
      // Where the key is gone there is only the list to show.
      return form.text("versionstamp") === "" || error.status === 404
        ? showKeys(params, {}, back, statusOf(error))
        : showKey(params, key, back, statusOf(error));
    },
  );
}

/** A form shows no metadata to change, so it stays. */
async function metadataOf(
  { ctx, kv, site }: Params,
  actor: Actor,
  key: string,
): Promise<{ metadata: unknown }> {
  const { metadata } = await readKv(ctx, kv, actor, { site, key });
  return { metadata };
}

/** @throws invalid_input */
function parseTtl(text: string): number | undefined {
  if (text.trim() === "") return undefined;
  if (/^[1-9]\d{0,9}$/.test(text.trim())) return Number(text.trim());
  throw fail("invalid_input", { field: "ttl", problem: "use a number of seconds" });
}
