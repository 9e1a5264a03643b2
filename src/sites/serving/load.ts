import type { DeployId, SiteName } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import type { SiteRow } from "../rights.ts";
import { createLoads } from "./cache-loads.ts";
import { loadManifest, type Manifest, textManifest, weightOfManifest } from "./load-manifest.ts";
import { toLoadedProgram } from "./load-program.ts";
import { type LoadQueries, prepareLoads } from "./load-queries.ts";
import { type LoadedRules, loadRules } from "./load-rules.ts";
import type { LoadedProgram } from "./program.ts";

/** All that the answers for one address are made of. Never changes: what changes is loaded anew. */
export type LoadedSite = {
  readonly site: ServedSite;
  /** Whether the address is that of one deploy. */
  readonly isDeployAddress: boolean;
  /** What visitors get; undefined: there is nothing yet. */
  readonly shown: Shown | undefined;
};

/** What of a site answers depend on. */
export type ServedSite = Pick<
  SiteRow,
  | "id"
  | "name"
  | "protection"
  | "passwordHash"
  | "gateVersion"
  | "maintenance"
  | "requestsPerMinute"
>;

/** A deploy that visitors get. */
export type Shown = {
  readonly deploy: DeployId;
  readonly manifest: Manifest;
  readonly rules: LoadedRules;
  /** What answers where no file does. */
  readonly program?: LoadedProgram | undefined;
  /** Paths at which nothing but the program was found; undefined where there is no program, or that is not remembered. */
  readonly others?: Set<string> | undefined;
  /** When what stands at the address changed for the last time, in milliseconds since 1970. */
  readonly changedAtMs: number;
};

/** Sites by name and by custom domain, kept in memory. */
export type SiteLoader = {
  /** The site or one finished deploy of it; undefined where there is none. Asked after a change is acknowledged, it knows the change. */
  find: (site: SiteName, deploy: DeployId | undefined) => Promise<LoadedSite | undefined>;
  /** The site that a custom domain leads to. */
  findHost: (host: string) => Promise<SiteName | undefined>;
  /** The same at once, where it is in memory, by the name of the site (`<deploy>--<name>`: that deploy of it). */
  peek: (key: string) => LoadedSite | undefined;
  /** What that address leads to, where it is in memory. */
  at: (destination: Addressed) => LoadedSite | undefined;
  /** Whether `loaded` is what that address still leads to. */
  isCurrent: (loaded: LoadedSite, destination: Addressed) => boolean;
  stop: () => void;
};

/** An address: the name of a site, or a custom domain. */
type Addressed =
  { kind: "site"; site: SiteName; deploy: DeployId | undefined } | { kind: "other"; host: string };

/** Of manifests and rules. */
const MAX_SITES_BYTES = 24 * 1024 * 1024;
const MAX_HOSTS = 20_000;
/** Names that lead nowhere are asked for by scanners, without end. */
const MAX_UNKNOWN = 10_000;
const UNKNOWN_MS = 10_000;

/** Loads sites on demand and forgets them at once where hooks tell of a change; `onForgotten` is told of the site then. */
export function createSiteLoader(ctx: Ctx, onForgotten: (site: string) => void): SiteLoader {
  const queries = prepareLoads(ctx.db.read);
  const unknown = { maxUnknown: MAX_UNKNOWN, unknownMs: UNKNOWN_MS };
  const loaded = createLoads<LoadedSite>(ctx.now, {
    maxWeight: MAX_SITES_BYTES,
    weightOf,
    ...unknown,
  });
  const hosts = createLoads<SiteName>(ctx.now, {
    maxWeight: MAX_HOSTS,
    weightOf: () => 1,
    ...unknown,
  });
  const forgetSite = ({ site }: { site: string }): void => {
    loaded.forget(site);
    onForgotten(site);
  };
  const forgetHost = ({ site, host }: { site: string; host: string }): void => {
    hosts.forget(host);
    onForgotten(site);
  };
  const offs = [
    ctx.hooks.on("site.created", forgetSite),
    ctx.hooks.on("site.changed", forgetSite),
    ctx.hooks.on("deploy.finished", forgetSite),
    ctx.hooks.on("deploy.released", forgetSite),
    ctx.hooks.on("site.deleted", ({ site }) => {
      hosts.forgetAll();
      forgetSite({ site });
    }),
    ctx.hooks.on("domain.verified", forgetHost),
    ctx.hooks.on("domain.removed", forgetHost),
  ];
  const at = (destination: Addressed): LoadedSite | undefined => {
    if (destination.kind === "site")
      return loaded.peek(keyOf(destination.site, destination.deploy));
    const site = hosts.peek(destination.host);
    return site === undefined ? undefined : loaded.peek(site);
  };
  return {
    find: (site, deploy) =>
      loaded.find(keyOf(site, deploy), site, () => loadSite(ctx, queries, site, deploy)),
    findHost: (host) =>
      hosts.find(host, host, async () => (await queries.host.execute({ host }))[0]?.name),
    peek: (key) => loaded.peek(key),
    at,
    isCurrent: (of, destination) => at(destination) === of,
    stop() {
      for (const off of offs) off();
    },
  };
}

function keyOf(site: SiteName, deploy: DeployId | undefined): string {
  return deploy === undefined ? site : `${deploy}--${site}`;
}

/** What a site takes besides its files and rules, as measured over ten thousand of them. */
const SITE_BYTES = 1000;

function weightOf({ shown }: LoadedSite): number {
  if (!shown) return SITE_BYTES;
  const { manifest, rules, program } = shown;
  return SITE_BYTES + weightOfManifest(manifest) + rules.weightBytes + (program?.weightBytes ?? 0);
}

async function loadSite(
  ctx: Ctx,
  queries: LoadQueries,
  name: SiteName,
  named: DeployId | undefined,
): Promise<LoadedSite | undefined> {
  const [row] = await queries.site.execute({ name, deploy: named ?? null });
  if (!row) return undefined;
  const shown = await loadShown(ctx, queries, row, named === undefined);
  if (named !== undefined && !shown) return undefined;
  const { id, protection, passwordHash, gateVersion, maintenance, requestsPerMinute } = row;
  const site = {
    id,
    name: row.name,
    protection,
    passwordHash,
    gateVersion,
    maintenance,
    requestsPerMinute,
  };
  return { site, isDeployAddress: named !== undefined, shown };
}

type Row = Awaited<ReturnType<LoadQueries["site"]["execute"]>>[number];

async function loadShown(
  ctx: Ctx,
  queries: LoadQueries,
  row: Row,
  isOwnAddress: boolean,
): Promise<Shown | undefined> {
  const { deploy, state, fileCount, doneAt, releasedAt, files } = row;
  if (deploy === null || fileCount === null || state !== "ready") return undefined;
  const manifest =
    files === null ? await loadManifest(queries, deploy, fileCount) : textManifest(files);
  const rules = await loadRules(ctx, manifest);
  const program = toLoadedProgram({ ...row, deploy });
  return {
    deploy,
    manifest,
    rules,
    program,
    others: program && new Set(),
    // A rollback shows older files later: only the time of the release never goes back.
    changedAtMs: (isOwnAddress ? releasedAt : null) ?? doneAt ?? 0,
  };
}
