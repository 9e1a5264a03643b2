import {
  type LoginBody,
  Me,
  NewToken,
  type RegisterBody,
  SignedIn,
  SigningKey,
  type TokenBody,
  TokenInfo,
} from "#accounts/model.ts";
import { version as landVersion } from "#base/build-info.ts";
import { fail, LandError } from "#base/errors.ts";
import { DEFAULT_LIMITS } from "#pack/limits.ts";
import { Package, PackagePage, type PackageQuery, Version } from "#registry/model.ts";

import { ANSWER_LIMITS, problemOfType, readBody } from "./answer.ts";
import { type CronVerbs, cronVerbs } from "./cron-verbs.ts";
import {
  type ArchivesWanted,
  downloadMany,
  type ManyDownloaded,
  type SentArchive,
} from "./download-many.ts";
import { downloadArchive } from "./download.ts";
import { type EnvVerbs, envVerbs } from "./env-verbs.ts";
import { createExchange, type Exchange } from "./exchange.ts";
import { type FunctionVerbs, functionVerbs } from "./function-verbs.ts";
import { type IndexAnswer, parseIndex } from "./index-lines.ts";
import { type IndexesWanted, type ManyTold, readIndexes } from "./index-many.ts";
import { type KvVerbs, kvVerbs } from "./kv-verbs.ts";
import { DEFAULT_NETWORK, type Fetch, type NetworkOptions, type Transport } from "./network.ts";
import { type OwnerVerbs, ownerVerbs } from "./owner-verbs.ts";
import { readAll } from "./pages.ts";
import { type Publication, publishArchive } from "./publish.ts";
import { parseRegistryUrl, type RegistryUrl } from "./registry-url.ts";
import { createRoute, type Route } from "./route.ts";
import { type SiteVerbs, siteVerbs } from "./site-verbs.ts";

/** Where a registry is and how to reach it. */
export type RemoteOptions = {
  registry: string;
  /** Sent to that registry's origin only. */
  token?: string;
  network?: Partial<NetworkOptions>;
  /** The way out of this machine, kept for all registries of a command; by default the straight one. */
  route?: Route;
  /** `land/<version>` by default. */
  userAgent?: string;
  signal?: AbortSignal;
  /** Called before each further try of a request with the trouble of the one before. */
  onRetry?: (problem: string) => void;
  /** Called before and after each request that may change a package: what was told of packages before no longer counts. */
  onChange?: () => void;
  /** For tests; by default the real ones. */
  fetch?: Fetch;
  sleep?: (ms: number) => Promise<void>;
  random?: () => number;
  now?: () => Date;
};

/**
 * A registry. Every verb throws `network`, `bad_answer`, `cancelled`, or the error that the registry threw; reads are
 * repeated while the trouble may pass.
 */
export type Remote = SiteVerbs &
  EnvVerbs &
  CronVerbs &
  FunctionVerbs &
  KvVerbs &
  OwnerVerbs & {
    readonly registry: RegistryUrl;
    register: (body: RegisterBody) => Promise<SignedIn>;
    login: (body: LoginBody) => Promise<SignedIn>;
    /** Revokes the token in use. False where the registry does not know it any more. */
    logout: () => Promise<boolean>;
    me: () => Promise<Me>;
    createToken: (body: TokenBody) => Promise<NewToken>;
    listTokens: () => Promise<TokenInfo[]>;
    revokeToken: (id: string) => Promise<void>;
    addKey: (key: string, name?: string) => Promise<SigningKey>;
    /** The signing keys of an account, by default the own one. */
    listKeys: (user?: string) => Promise<SigningKey[]>;
    publish: (publication: Publication) => Promise<Version>;
    search: (query: PackageQuery) => Promise<PackagePage>;
    readPackage: (name: string) => Promise<Package>;
    /** One version; a tag or a range finds one too. */
    readVersion: (name: string, version: string) => Promise<Version>;
    /** All versions as the solver needs them; `unchanged` where `etag` still holds. */
    readIndex: (name: string, etag?: string) => Promise<IndexAnswer>;
    /** Many of the same at once, handed over as they come; see `readIndexes`. */
    readIndexes: (
      wanted: IndexesWanted,
      follow: boolean,
      take: (name: string, answer: IndexAnswer) => void,
    ) => Promise<ManyTold>;
    yank: (name: string, version: string) => Promise<void>;
    unyank: (name: string, version: string) => Promise<void>;
    /** The archive, piece by piece, resumed where it breaks. The checksum is the caller's to verify. */
    download: (name: string, version: string, limitBytes?: number) => AsyncGenerator<Uint8Array>;
    /** Many archives one after the other, as they come; see `downloadMany`. The checksums are the caller's to verify. */
    downloadMany: (
      wanted: ArchivesWanted,
      take: (archive: SentArchive) => Promise<void>,
    ) => Promise<ManyDownloaded>;
  };

/** Makes the client of one registry. @throws name_invalid where that is no address of one, or the token no token */
export function createRemote(options: RemoteOptions): Remote {
  const registry = parseRegistryUrl(options.registry);
  const exchange = createExchange(registry, checkToken(options.token), createTransport(options));
  return {
    registry,
    ...accountVerbs(exchange),
    ...packageVerbs(exchange),
    ...siteVerbs(exchange),
    ...envVerbs(exchange),
    ...cronVerbs(exchange),
    ...functionVerbs(exchange),
    ...kvVerbs(exchange),
    ...ownerVerbs(exchange),
  };
}

function accountVerbs(exchange: Exchange) {
  const { ask, tell } = exchange;
  return {
    register: (json: RegisterBody) =>
      ask(SignedIn, { method: "POST", path: "/users/register", json }),
    login: (json: LoginBody) => ask(SignedIn, { method: "POST", path: "/users/login", json }),
    logout: () =>
      tell({ method: "POST", path: "/users/logout", repeatable: true }).then(
        () => true,
        (error: unknown) => {
          if (error instanceof LandError && error.status === 401) return false;
          throw error;
        },
      ),
    me: () => ask(Me, { method: "GET", path: "/users/me" }),
    createToken: (json: TokenBody) => ask(NewToken, { method: "POST", path: "/tokens", json }),
    listTokens: () => readAll(exchange, TokenInfo, "/tokens"),
    revokeToken: (id: string) =>
      tell({ method: "DELETE", path: `/tokens/${encodeURIComponent(id)}` }),
    addKey: (key: string, name?: string) =>
      ask(SigningKey, {
        method: "POST",
        path: "/keys",
        json: { key, ...(name !== undefined && { name }) },
      }),
    listKeys: (user?: string) =>
      readAll(
        exchange,
        SigningKey,
        user === undefined ? "/keys" : `/users/${encodeURIComponent(user)}/keys`,
      ),
  };
}

function packageVerbs(exchange: Exchange) {
  const { ask, tell } = exchange;
  return {
    publish: (publication: Publication) => publishArchive(exchange, publication),
    search: ({ q, sort, limit, cursor }: PackageQuery) =>
      ask(PackagePage, {
        method: "GET",
        path: "/packages",
        query: { q, sort, limit: limit?.toString(), cursor },
      }),
    readPackage: (name: string) => ask(Package, { method: "GET", path: pathOf(name) }),
    readVersion: (name: string, version: string) =>
      ask(Version, { method: "GET", path: pathOf(name, version) }),
    readIndex: (name: string, etag?: string) => readIndex(exchange, name, etag),
    readIndexes: (
      wanted: IndexesWanted,
      follow: boolean,
      take: (name: string, answer: IndexAnswer) => void,
    ) => readIndexes(exchange, wanted, follow, take),
    yank: (name: string, version: string) =>
      tell({ method: "DELETE", path: pathOf(name, version) }),
    unyank: (name: string, version: string) =>
      tell({ method: "PUT", path: `${pathOf(name, version)}/unyank` }),
    download: (name: string, version: string, limitBytes = DEFAULT_LIMITS.packedBytes) =>
      downloadArchive(exchange, `${pathOf(name, version)}/download`, limitBytes),
    downloadMany: (wanted: ArchivesWanted, take: (archive: SentArchive) => Promise<void>) =>
      downloadMany(exchange, wanted, take),
  };
}

function pathOf(name: string, version?: string): string {
  const base = `/packages/${encodeURIComponent(name)}`;
  return version === undefined ? base : `${base}/${encodeURIComponent(version)}`;
}

async function readIndex(exchange: Exchange, name: string, etag?: string): Promise<IndexAnswer> {
  const { idleTimeoutMs } = exchange.transport;
  const headers = {
    accept: "application/x-ndjson, application/problem+json",
    ...(etag !== undefined && { "if-none-match": etag }),
  };
  const path = `/index/${encodeURIComponent(name)}`;
  try {
    return await exchange.send({ method: "GET", path, headers }, async (response, watch, url) => {
      if (response.status === 304 && etag !== undefined) return { kind: "unchanged" };
      const problem = problemOfType(response, "application/x-ndjson");
      if (problem !== undefined) throw fail("bad_answer", { url, problem });
      const limitBytes = ANSWER_LIMITS.index;
      const text = await readBody(response, { url, limitBytes, watch, idleTimeoutMs });
      const fresh = response.headers.get("etag");
      const entries = parseIndex(name, text, url);
      return { kind: "fresh", entries, text, ...(fresh !== null && { etag: fresh }) };
    });
  } catch (error) {
    // A 404 of something that is no registry is `bad_answer`.
    if (error instanceof LandError && error.code === "package_not_found") return { kind: "absent" };
    throw error;
  }
}

/** A token is one word: anything else could end the header that carries it. */
function checkToken(token: string | undefined): string | undefined {
  if (token === undefined || /^[\x21-\x7e]{1,512}$/.test(token)) return token;
  throw fail("name_invalid", {
    what: "a token",
    value: "…",
    problem: "it is one word, as `land token create` prints it",
  });
}

/** Without a proxy. */
const DIRECT = createRoute({ proxy: "", noProxy: [], env: {}, ca: "" });

/** How requests travel with these options; what is not given is as for a registry. */
export function createTransport(options: Omit<RemoteOptions, "registry" | "token">): Transport {
  const { signal, onRetry, onChange, route = DIRECT } = options;
  return {
    ...DEFAULT_NETWORK,
    ...options.network,
    ...route,
    ...(options.fetch && { fetch: options.fetch }),
    answers: { count: 0 },
    userAgent: options.userAgent ?? `land/${landVersion}`,
    sleep: options.sleep ?? ((ms) => Bun.sleep(ms)),
    random: options.random ?? Math.random,
    now: options.now ?? (() => new Date()),
    ...(signal && { signal }),
    ...(onRetry && { onRetry }),
    ...(onChange && { onChange }),
  };
}
