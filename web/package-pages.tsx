import { Elysia } from "elysia";

import { mayRead } from "#accounts/guard.ts";
import { prefersHtml } from "#http/accept.ts";
import { type PageRequest, parsePage } from "#http/page.ts";
import { listDependents } from "#registry/dependents.ts";
import { readDownloads } from "#registry/downloads.ts";
import type { Version } from "#registry/model.ts";
import { pickVersion, readDocuments, readReadme } from "#registry/read.ts";
import { searchPackages } from "#registry/search.ts";
import type { Ctx } from "#store/ctx.ts";

import { answerPage, type Query, readVisit, type Visit } from "./frame.ts";
import { HomePage } from "./home.tsx";
import { type Readme, renderReadmeFile, repositoryBase } from "./markdown.ts";
import { PackagePage } from "./package.tsx";
import { PackagesPage, type Sort, SORTS } from "./packages.tsx";

const DAYS = 30;
const SHOWN_AT_HOME = "6";
/** Rendered READMEs by archive, kept because a README never changes and a long one takes tens of milliseconds. */
const MAX_KEPT_READMES = 64;

/** `/`, `/packages`, `/packages/:name` and `/packages/:name/:version`; the last two as JSON for who asks for it. */
export function packagePages(ctx: Ctx) {
  const renderOnce = keepReadmes();

  async function showPackage(
    request: Request,
    name: string,
    spec: string | undefined,
    query: Query,
  ): Promise<Response> {
    const visit = await readVisit(ctx, request);
    const { actor } = visit;
    const { documents, downloads } = await readDocuments(ctx, actor, name);
    const pkg = { ...documents.about, downloads };
    const version = pickVersion(
      documents,
      spec ?? pkg.tags["latest"] ?? pkg.versions[0]?.version ?? "",
    );
    if (wantsJson(request)) return answerJson(spec === undefined ? pkg : version);
    const page: PageRequest = parsePage({ cursor: query["dependents"] });
    const [readme, dependents, series] = await Promise.all([
      renderOnce(version, repositoryBase(pkg.repository), () =>
        readReadme(ctx, actor, name, version.version),
      ),
      listDependents(ctx, actor, name, page),
      readDownloads(ctx, actor, name, DAYS),
    ]);
    const isPinned = spec !== undefined;
    const props = {
      package: pkg,
      version,
      isPinned,
      readme,
      dependents,
      downloads: series,
    };
    return answerPage(PackagePage({ frame: visit.frame, ...props }));
  }

  return new Elysia({ name: "web.packages" })
    .get("/", async ({ request }) => showHome(ctx, await readVisit(ctx, request)))
    .get("/packages", async ({ request, query }) =>
      showList(ctx, await readVisit(ctx, request), query),
    )
    .get("/packages/:name", ({ request, params, query }) =>
      showPackage(request, params.name, undefined, query),
    )
    .get("/packages/:name/:version", ({ request, params, query }) =>
      showPackage(request, params.name, params.version, query),
    );
}

async function showHome(ctx: Ctx, { frame, actor }: Visit): Promise<Response> {
  if (!mayRead(ctx, actor)) return answerPage(HomePage({ frame, lists: undefined }));
  const [recent, popular] = await Promise.all([
    searchPackages(ctx, actor, { sort: "updated", limit: SHOWN_AT_HOME }),
    searchPackages(ctx, actor, { sort: "downloads", limit: SHOWN_AT_HOME }),
  ]);
  return answerPage(HomePage({ frame, lists: { recent: recent.items, popular: popular.items } }));
}

async function showList(ctx: Ctx, { frame, actor }: Visit, query: Query): Promise<Response> {
  const q = (query["q"] ?? "").trim().slice(0, 256);
  const sort = sortOf(query["sort"], q);
  const { cursor } = query;
  const page = await searchPackages(ctx, actor, {
    q,
    sort,
    ...(cursor !== undefined && { cursor }),
  });
  return answerPage(PackagesPage({ frame, q, sort, cursor, page }));
}

function sortOf(text: string | undefined, q: string): Sort {
  const known = text !== undefined && isSort(text) ? text : undefined;
  if (q === "") return known === undefined || known === "relevance" ? "updated" : known;
  return known ?? "relevance";
}

function isSort(text: string): text is Sort {
  return Object.hasOwn(SORTS, text);
}

function wantsJson(request: Request): boolean {
  const accept = request.headers.get("accept");
  return accept !== null && /\bjson\b/i.test(accept) && !prefersHtml(accept);
}

function answerJson(body: unknown): Response {
  return Response.json(body, {
    headers: { "cache-control": "private, no-cache", vary: "cookie, accept" },
  });
}

/** Reads and renders a README unless that was done lately; the oldest one goes first. */
function keepReadmes() {
  const kept = new Map<string, Readme | undefined>();
  return async (
    version: Version,
    base: string | undefined,
    read: () => Promise<{ path: string; text: string } | undefined>,
  ): Promise<Readme | undefined> => {
    const key = `${version.digest} ${base ?? ""}`;
    if (kept.has(key)) return kept.get(key);
    const file = await read();
    const readme = file && renderReadmeFile(file, base);
    const [oldest] = kept.keys();
    if (kept.size >= MAX_KEPT_READMES && oldest !== undefined) kept.delete(oldest);
    kept.set(key, readme);
    return readme;
  };
}
