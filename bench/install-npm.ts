/** The same packages as npm's protocol has them: from Verdaccio, or from memory, which is faster than any registry. */
import { createHash } from "node:crypto";

import type { Member } from "./install-set.ts";
import { each } from "./install-set.ts";
import type { Verdaccio } from "./verdaccio.ts";

/** What the peers install from. */
export type NpmPeer = {
  port: number;
  /** Tells it the address that its clients use, which may be a relay's. */
  setBase: (base: string) => void;
  /** Starts it again where it ended. */
  revive: () => Promise<void>;
  stop: () => Promise<void>;
};

type Archives = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/** The archives of a land server, by their paths in npm's registry. */
async function readArchives(members: readonly Member[], landUrl: string): Promise<Archives> {
  const archives = new Map<string, Uint8Array<ArrayBuffer>>();
  await each(members, 8, async (member) => {
    const { name, version } = member;
    const answer = await fetch(`${landUrl}/api/v1/packages/${name}/${version}/download`);
    if (!answer.ok) throw new Error(`${name}@${version}: ${answer.status}`);
    archives.set(pathOf(member), new Uint8Array(await answer.arrayBuffer()));
  });
  return archives;
}

function pathOf({ name, version }: Member): string {
  return `/${name}/-/${name}-${version}.tgz`;
}

/** Publishes the archives of a land server to Verdaccio. What it has already, it keeps. */
export async function serveByVerdaccio(
  verdaccio: Verdaccio,
  members: readonly Member[],
  landUrl: string,
): Promise<NpmPeer> {
  const archives = await readArchives(members, landUrl);
  await each(members, 2, async (member) => {
    const bytes = archives.get(pathOf(member)) ?? new Uint8Array();
    const answer = await fetch(`${verdaccio.url}/${encodeURIComponent(member.name)}`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        _id: member.name,
        ...documentOf(member, verdaccio.url, archives),
        _attachments: {
          [`${member.name}-${member.version}.tgz`]: {
            content_type: "application/octet-stream",
            data: bytes.toBase64(),
            length: bytes.length,
          },
        },
      }),
    });
    if (!answer.ok && answer.status !== 409)
      throw new Error(`Verdaccio refuses ${member.name}: ${answer.status} ${await answer.text()}`);
  });
  return {
    port: Number(new URL(verdaccio.url).port),
    setBase: () => undefined, // its documents name the host that was asked
    revive: verdaccio.revive,
    stop: async () => verdaccio.end(),
  };
}

/** Serves the archives of a land server to npm clients from memory. */
export async function serveFromMemory(
  members: readonly Member[],
  landUrl: string,
): Promise<NpmPeer> {
  const archives = await readArchives(members, landUrl);
  let documents = new Map<string, Uint8Array<ArrayBuffer>>();
  const setBase = (base: string): void => {
    documents = new Map(
      members.map((member) => [
        `/${member.name}`,
        Bun.gzipSync(JSON.stringify(documentOf(member, base, archives)), { level: 6 }),
      ]),
    );
  };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    reusePort: false,
    fetch(request) {
      const { pathname } = new URL(request.url);
      const archive = archives.get(pathname);
      if (archive)
        return new Response(archive, { headers: { "content-type": "application/octet-stream" } });
      const document = documents.get(decodeURIComponent(pathname));
      if (!document) return new Response("{}", { status: 404 });
      return new Response(document, {
        headers: {
          "content-type": "application/vnd.npm.install-v1+json",
          "content-encoding": "gzip",
          etag: `"${pathname}"`,
          "cache-control": "max-age=300",
        },
      });
    },
  });
  return {
    port: server.port ?? 0,
    setBase,
    revive: async () => undefined,
    stop: () => server.stop(true),
  };
}

function documentOf(member: Member, base: string, archives: Archives): object {
  const { name, version, dependencies } = member;
  const path = pathOf(member);
  const bytes = archives.get(path) ?? new Uint8Array();
  const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
  const shasum = createHash("sha1").update(bytes).digest("hex");
  return {
    name,
    "dist-tags": { latest: version },
    modified: "2026-01-01T00:00:00.000Z",
    time: { [version]: "2026-01-01T00:00:00.000Z" },
    versions: {
      [version]: { name, version, dependencies, dist: { tarball: base + path, integrity, shasum } },
    },
  };
}
