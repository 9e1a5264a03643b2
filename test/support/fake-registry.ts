import { randomBytes } from "node:crypto";

import { parseDigest, parsePackageName, parseVersion } from "#base/names.ts";
import { digestBytes } from "#pack/digest.ts";
import { generateKeyPair, type PrivateKey, type PublicKey, signVersion } from "#pack/sign.ts";
import { parseRegistryUrl, type RegistryUrl } from "#remote/registry-url.ts";

import { gzipped, rawTar } from "../../fixtures/tar.ts";

/** What goes wrong with the next requests that match. */
export type Fault = (
  request: Request,
  answer: () => Promise<Response>,
) => Response | Promise<Response>;

/** A version to serve. */
export type FakeVersion = {
  name: string;
  version: string;
  files?: Record<string, string>;
  dependencies?: Record<string, string>;
  bin?: Record<string, string>;
  engines?: Record<string, string>;
  yanked?: boolean;
  /** Who signs; "" for nobody. */
  signer?: PrivateKey | "";
  /** Instead of an archive made of the above. */
  archive?: Uint8Array;
  /** What the index says instead of the truth. */
  told?: Record<string, unknown>;
  /** What the version itself says instead of the truth. */
  toldVersion?: Record<string, unknown>;
  /** "ada" by default. */
  publishedBy?: string;
};

/** A registry that serves what it is told over real HTTP, notes each request, and fails on demand. */
export type FakeRegistry = {
  url: RegistryUrl;
  /** `GET /api/v1/index/left`, in order. */
  requests: { line: string; authorization: string | null; range: string | null }[];
  add: (version: FakeVersion) => Promise<{ digest: string }>;
  /** Takes the place of the answer to requests whose line contains `match`, `times` times. */
  fail: (match: string, fault: Fault, times?: number) => void;
  /** Forgets all faults and requests. */
  mend: () => void;
  key: { privateKey: PrivateKey; publicKey: PublicKey };
  /** User → the keys of the account. At first `ada` holds the registry's own. */
  accounts: Map<string, string[]>;
  /** Owners of every package. */
  owners: string[];
  [Symbol.asyncDispose]: () => Promise<void>;
};

type Served = {
  lines: Map<string, string>;
  archives: Map<string, Uint8Array>;
  versions: Map<string, Record<string, unknown>>;
};
/** All that is served. */
type World = { served: Map<string, Served>; accounts: Map<string, string[]>; owners: string[] };

/** Starts one on a free port of the loopback. */
export async function fakeRegistry(): Promise<FakeRegistry> {
  const served = new Map<string, Served>();
  const faults: { match: string; fault: Fault; left: number }[] = [];
  const requests: FakeRegistry["requests"] = [];
  const key = await generateKeyPair((size) => randomBytes(size));
  const accounts = new Map([["ada", [key.publicKey as string]]]);
  const owners = ["ada"];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      const line = `${request.method} ${new URL(request.url).pathname}`;
      const { headers } = request;
      requests.push({
        line,
        authorization: headers.get("authorization"),
        range: headers.get("range"),
      });
      const answer = async (): Promise<Response> => answerOf({ served, accounts, owners }, request);
      const fault = faults.find(({ match, left }) => left > 0 && line.includes(match));
      if (!fault) return answer();
      fault.left -= 1;
      return fault.fault(request, answer);
    },
  });
  return {
    url: parseRegistryUrl(`http://127.0.0.1:${server.port}`),
    requests,
    key,
    accounts,
    owners,
    fail: (match, fault, times = 1) => void faults.push({ match, fault, left: times }),
    mend() {
      faults.length = 0;
      requests.length = 0;
    },
    async add(version) {
      const archive = version.archive ?? archiveOf(version);
      const digest = parseDigest(
        `sha256:${new Bun.CryptoHasher("sha256").update(archive).digest("hex")}`,
      );
      const known = served.get(version.name) ?? {
        lines: new Map(),
        archives: new Map(),
        versions: new Map(),
      };
      const line = await lineOf(version, {
        digest,
        sizeBytes: archive.length,
        key: key.privateKey,
      });
      known.lines.set(version.version, JSON.stringify(line));
      known.archives.set(version.version, archive);
      known.versions.set(version.version, await versionOf(version, line, archive));
      served.set(version.name, known);
      return { digest };
    },
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

/** The archive of a version: its files and a land.json. */
export function archiveOf({
  name,
  version,
  files = {},
  dependencies,
  bin,
}: FakeVersion): Uint8Array {
  const manifest = JSON.stringify({ name, version, dependencies, bin });
  const all = { "land.json": manifest, ...files };
  return gzipped(
    rawTar(Object.entries(all).map(([path, content]) => ({ name: `package/${path}`, content }))),
  );
}

/** A problem as a registry answers it. */
export function problem(
  status: number,
  code: string,
  more: Record<string, unknown> = {},
): Response {
  return new Response(
    JSON.stringify({ title: code, status, code, detail: `Cannot: ${code}`, ...more }),
    {
      status,
      headers: { "content-type": "application/problem+json" },
    },
  );
}

async function lineOf(
  {
    name,
    version,
    dependencies = {},
    bin = {},
    engines = {},
    yanked = false,
    signer,
    told,
  }: FakeVersion,
  about: { digest: ReturnType<typeof parseDigest>; sizeBytes: number; key: PrivateKey },
): Promise<Record<string, unknown>> {
  const signed = {
    name: parsePackageName(name),
    version: parseVersion(version),
    digest: about.digest,
  };
  const signature = signer === "" ? undefined : await signVersion(signer ?? about.key, signed);
  return {
    v: version,
    deps: dependencies,
    opt: {},
    engines,
    bin,
    digest: about.digest,
    size: about.sizeBytes,
    key: signature?.key ?? null,
    sig: signature?.sig ?? null,
    yanked,
    at: "2026-01-01T00:00:00.000Z",
    ...told,
  };
}

/** The version as the API tells it. */
async function versionOf(
  { name, version, toldVersion, publishedBy = "ada" }: FakeVersion,
  line: Record<string, unknown>,
  archive: Uint8Array,
): Promise<Record<string, unknown>> {
  const { deps, opt, engines, bin, digest, size, key, sig, yanked, at } = line;
  const { integrity, blake3 } = await digestBytes(archive);
  return {
    name,
    version,
    description: "",
    license: null,
    digest,
    integrity,
    blake3,
    sizeBytes: size,
    unpackedBytes: size,
    dependencies: deps,
    optionalDependencies: opt,
    peerDependencies: {},
    engines,
    bin,
    key,
    sig,
    yanked,
    deprecated: null,
    publishedAt: at,
    publishedBy,
    ...toldVersion,
  };
}

function packageOf(name: string, { versions }: Served, owners: string[]): Response {
  return Response.json({
    name,
    description: "",
    keywords: [],
    license: null,
    repository: null,
    homepage: null,
    tags: {},
    owners,
    versions: [...versions.values()].toReversed(),
    downloads: 0,
    createdAt: "2026-01-01T00:00:00.000Z",
    updatedAt: "2026-01-01T00:00:00.000Z",
  });
}

function keysOf(accounts: World["accounts"], user: string): Response {
  const keys = accounts.get(user);
  if (!keys) return problem(404, "not_found");
  const createdAt = "2026-01-01T00:00:00.000Z";
  return Response.json({ items: keys.map((key) => ({ key, name: "", createdAt })), next: null });
}

function answerOf({ served, accounts, owners }: World, request: Request): Response {
  const [, , , kind, first = "", second = "", third] = new URL(request.url).pathname.split("/");
  const name = decodeURIComponent(first);
  if (kind === "users") return keysOf(accounts, name);
  const known = served.get(name);
  if (!known) return problem(404, "package_not_found", { data: { name } });
  if (kind === "index") {
    const text = [...known.lines.values(), ""].join("\n");
    const etag = `"${Bun.hash(text).toString(36)}"`;
    if (request.headers.get("if-none-match") === etag) return new Response(null, { status: 304 });
    return new Response(text, { headers: { "content-type": "application/x-ndjson", etag } });
  }
  if (second === "") return packageOf(name, known, owners);
  const archive = known.archives.get(second);
  if (!archive) return problem(404, "version_not_found");
  if (third === undefined) return Response.json(known.versions.get(second));
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.get("range") ?? "")?.[1] ?? 0);
  return new Response(archive.slice(from), {
    status: from > 0 ? 206 : 200,
    headers: {
      "content-type": "application/gzip",
      ...(from > 0 && { "content-range": `bytes ${from}-${archive.length - 1}/${archive.length}` }),
    },
  });
}
