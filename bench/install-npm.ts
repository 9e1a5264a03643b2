/** The same packages as npm's protocol has them, from memory: faster than any registry, so that no peer waits for its server. */
import { createHash } from "node:crypto";

import type { Member } from "./install-set.ts";
import { each } from "./install-set.ts";

/** Serves the archives of a land server to npm clients. `base` is the address they use, which may be a relay's. */
export async function serveNpm(
  members: readonly Member[],
  landUrl: string,
): Promise<{ port: number; setBase: (base: string) => void; stop: () => Promise<void> }> {
  const archives = new Map<string, Uint8Array<ArrayBuffer>>();
  await each(members, 8, async ({ name, version }) => {
    const answer = await fetch(`${landUrl}/api/v1/packages/${name}/${version}/download`);
    if (!answer.ok) throw new Error(`${name}@${version}: ${answer.status}`);
    archives.set(`/${name}/-/${name}-${version}.tgz`, new Uint8Array(await answer.arrayBuffer()));
  });
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
  return { port: server.port ?? 0, setBase, stop: () => server.stop(true) };
}

function documentOf(
  { name, version, dependencies }: Member,
  base: string,
  archives: Map<string, Uint8Array>,
): object {
  const path = `/${name}/-/${name}-${version}.tgz`;
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
