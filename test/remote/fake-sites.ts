import { isMap } from "#pack/json.ts";
import { parseRegistryUrl, type RegistryUrl } from "#remote/registry-url.ts";
import { type Fault, problem } from "#test/support/fake-registry.ts";

type Files = Record<string, { sha256: string; size: number }>;
type Pending = { site: string; files: Files };

/** A server of sites over real HTTP that keeps all in memory, notes each request, and fails on demand. */
export type FakeSites = AsyncDisposable & {
  url: RegistryUrl;
  requests: { line: string; contentLength: string | null }[];
  /** What visitors of each site get: path → text. Sites that exist but are empty are there too. */
  live: Map<string, Record<string, string>>;
  /** By hex digest. */
  blobs: Map<string, Uint8Array>;
  /** How often each blob came, whole. */
  received: Map<string, number>;
  /** Takes the place of the answer to requests whose line contains `match`, `times` times. */
  fail: (match: string, fault: Fault, times?: number) => void;
};

/** Starts one on a free port of the loopback, with the site `blog`. */
export async function fakeSites(): Promise<FakeSites> {
  const live: FakeSites["live"] = new Map([["blog", {}]]);
  const blobs: FakeSites["blobs"] = new Map();
  const received: FakeSites["received"] = new Map();
  const requests: FakeSites["requests"] = [];
  const pending = new Map<string, Pending>();
  const faults: { match: string; fault: Fault; left: number }[] = [];
  const keep = (hex: string, bytes: Uint8Array): void => {
    if (Bun.SHA256.hash(bytes, "hex") !== hex) return;
    blobs.set(hex, bytes);
    received.set(hex, (received.get(hex) ?? 0) + 1);
  };
  const missing = (files: Files): string[] => [
    ...new Set(
      Object.values(files)
        .map(({ sha256 }) => sha256)
        .filter((hex) => !blobs.has(hex)),
    ),
  ];
  const deployOf = async (request: Request, rest: string[]): Promise<Response> => {
    const [site = "", , id = "", what, , hex = ""] = rest;
    const deploy = pending.get(id);
    if (id === "") {
      const body: unknown = await request.json();
      const made = `deploy${String(pending.size).padStart(4, "0")}`;
      pending.set(made, { site, files: filesOf(body) });
      return Response.json({ id: made, missing: missing(filesOf(body)) }, { status: 201 });
    }
    if (!deploy) return problem(404, "deploy_not_found");
    if (what === "files") {
      Object.assign(deploy.files, filesOf(await request.json()));
      return Response.json({ id, missing: missing(deploy.files) });
    }
    if (what === "blobs") {
      await takeBlobs(request, hex, keep);
      return new Response(null, { status: 204 });
    }
    const lacking = missing(deploy.files);
    if (lacking.length > 0)
      return problem(409, "deploy_incomplete", { data: { missing: lacking } });
    const body: unknown = await request.json();
    const release = isMap(body) && body["release"] === true;
    if (release) live.set(site, contentOf(deploy.files, blobs));
    return Response.json(finalizedOf(deploy, id, release));
  };
  const answerOf = async (request: Request): Promise<Response> => {
    const rest = new URL(request.url).pathname.split("/").slice(4);
    const [site = "", kind] = rest;
    if (request.method === "POST" && site === "") {
      const body: unknown = await request.json();
      const name = isMap(body) ? String(body["name"]) : "";
      if (live.has(name)) return problem(409, "site_taken");
      live.set(name, {});
      return Response.json(siteOf(name), { status: 201 });
    }
    if (!live.has(site)) return problem(404, "site_not_found", { data: { site } });
    return kind === "deploys" ? deployOf(request, rest) : Response.json(siteOf(site));
  };
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const line = `${request.method} ${new URL(request.url).pathname.replace("/api/v1", "")}`;
      requests.push({ line, contentLength: request.headers.get("content-length") });
      const fault = faults.find(({ match, left }) => left > 0 && line.includes(match));
      if (!fault) return answerOf(request);
      fault.left -= 1;
      return fault.fault(request, () => answerOf(request));
    },
  });
  return {
    url: parseRegistryUrl(`http://127.0.0.1:${server.port}`),
    requests,
    live,
    blobs,
    received,
    fail: (match, fault, times = 1) => void faults.push({ match, fault, left: times }),
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

/** Keeps each blob as soon as it is whole, as a server does that writes what it gets. */
async function takeBlobs(
  request: Request,
  hex: string,
  keep: (hex: string, bytes: Uint8Array) => void,
): Promise<void> {
  let bytes = Buffer.alloc(0);
  for await (const piece of request.body ?? []) {
    bytes = Buffer.concat([bytes, piece]);
    if (hex !== "") continue;
    for (;;) {
      const size = Number.parseInt(bytes.subarray(124, 135).toString("latin1"), 8);
      const end = 512 + Math.ceil(size / 512) * 512;
      if (bytes.length < 512 || bytes[0] === 0 || bytes.length < end) break;
      keep(
        bytes.subarray(0, 64).toString("latin1"),
        Uint8Array.from(bytes.subarray(512, 512 + size)),
      );
      bytes = bytes.subarray(end);
    }
  }
  if (hex !== "") keep(hex, bytes);
}

function filesOf(body: unknown): Files {
  const files = isMap(body) ? body["files"] : undefined;
  return isMap(files) ? (files as Files) : {};
}

function contentOf(files: Files, blobs: Map<string, Uint8Array>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(files).map(([path, { sha256 }]) => [
      path,
      new TextDecoder().decode(blobs.get(sha256)),
    ]),
  );
}

function finalizedOf({ site, files }: Pending, id: string, live: boolean) {
  return {
    id,
    site,
    url: `http://${site}.localhost`,
    deployUrl: `http://${id}--${site}.localhost`,
    live,
    files: Object.keys(files).length,
    sizeBytes: Object.values(files).reduce((sum, { size }) => sum + size, 0),
    warnings: [],
  };
}

function siteOf(name: string) {
  return {
    name,
    url: `http://${name}.localhost`,
    role: "owner",
    protection: "none",
    maintenance: false,
    keyPrograms: false,
    live: null,
    domains: [],
    usedBytes: 0,
    quotaBytes: 1e9,
    quotaFiles: 50_000,
    requestsPerMinute: 0,
    createdAt: "2026-03-01T12:00:00.000Z",
    updatedAt: "2026-03-01T12:00:00.000Z",
  };
}

/** A way to a server that breaks: the connection `n` (from 1) ends once `limitOf(n)` bytes went to the server. */
export function cuttingProxy(
  target: RegistryUrl,
  limitOf: (n: number) => number,
): { url: RegistryUrl; connections: () => number; stop: () => void } {
  let count = 0;
  const { hostname, port } = new URL(target);
  type End = { write: (bytes: Uint8Array) => number; end: () => void };
  const server = Bun.listen<{ up: Promise<End>; left: number; turn: Promise<void> }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(down) {
        count += 1;
        down.data = {
          left: limitOf(count),
          turn: Promise.resolve(),
          up: Bun.connect({
            hostname,
            port: Number(port),
            socket: {
              data: (_, bytes) => void down.write(bytes),
              close: () => void down.end(),
            },
          }),
        };
      },
      data(down, bytes) {
        const { data } = down;
        const piece = Uint8Array.from(bytes.subarray(0, Math.min(data.left, bytes.length)));
        if (piece.length === 0) return;
        data.left -= piece.length;
        const cut = data.left === 0;
        // One after the other: a piece may wait for the server to take it.
        const send = async (): Promise<void> => {
          const up = await data.up;
          await writeAll(up, piece);
          if (!cut) return;
          up.end();
          down.terminate();
        };
        data.turn = data.turn.then(send);
      },
      close({ data }) {
        data.turn = data.turn.then(async () => (await data.up).end()).catch(() => {});
      },
    },
  });
  return {
    url: parseRegistryUrl(`http://127.0.0.1:${server.port}`),
    connections: () => count,
    stop: () => server.stop(true),
  };
}

async function writeAll(
  to: { write: (bytes: Uint8Array) => number },
  bytes: Uint8Array,
): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const written = to.write(bytes.subarray(at));
    if (written < 0) return;
    at += written;
    if (at < bytes.length) await Bun.sleep(0);
  }
}
