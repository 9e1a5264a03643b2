import { join } from "node:path";

import { land, type LandServer, type RunOptions } from "./land.ts";
import { writeFiles } from "./project.ts";

/** What a browser calls itself: what calls itself a program is counted as a bot. */
export const BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/** Asks a site of a server on loopback: the Host header alone names it. Redirects are answered, not followed. */
export function askSite(
  server: Pick<LandServer, "url">,
  site: string,
  path: string,
  init: Omit<RequestInit, "headers"> & { headers?: Record<string, string> } = {},
): Promise<Response> {
  const { port } = new URL(server.url);
  const host = site.includes(".") ? site : `${site}.localhost:${port}`;
  return fetch(`${server.url}${path}`, {
    redirect: "manual",
    ...init,
    headers: { host, "user-agent": BROWSER, ...init.headers },
  });
}

/** Registers an account through the binary and answers a token of it with every scope that `scopes` names. */
export async function signUpByBinary(
  server: Pick<LandServer, "url">,
  home: string,
  options: { name?: string; scopes?: readonly string[] } = {},
): Promise<string> {
  const { name = "ada", scopes = ["account"] } = options;
  const run: RunOptions = { cwd: home, home, env: { LAND_REGISTRY: server.url } };
  const who = ["--username", name, "--email", `${name}@example.com`, "--password-stdin"];
  const made = await land(["register", ...who], { ...run, input: "correct horse battery\n" });
  if (made.exitCode !== 0) throw new Error(`cannot register: ${made.stderr}`);
  const flags = scopes.flatMap((scope) => ["--scope", scope]);
  const token = await land(["token", "create", "--name", "test", ...flags, "--json"], run);
  if (token.exitCode !== 0) throw new Error(`cannot make a token: ${token.stderr}`);
  return token.json<{ token: string }>().token;
}

/** How many pages a build has. */
export const BUILD_PAGES = 30;

/** The files of one build of a site, of which every one names the build and no two builds share a file but `shared.txt`. */
export function buildFiles(build: string): Record<string, string | Uint8Array> {
  const files: Record<string, string | Uint8Array> = {
    "shared.txt": "the same in every build\n",
    "asset.js": `globalThis.build = "${build}"; // ${build.repeat(500)}\n`,
    "big.bin": bigOf(build),
  };
  for (let page = 0; page < BUILD_PAGES; page += 1)
    files[page === 0 ? "index.html" : `p${page}.html`] =
      `<!doctype html><title>${build}</title><script src="/asset.js"></script>` +
      `<p>page ${page} of build ${build}.</p><!-- ${build.repeat(200)} end -->\n`;
  return files;
}

/** 600 KB that do not compress and differ from build to build. */
function bigOf(build: string): Uint8Array {
  const bytes = new Uint8Array(600_000);
  const words = new Uint32Array(bytes.buffer);
  let state = Bun.hash.crc32(build) | 1;
  for (let index = 0; index < words.length; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  return bytes;
}

/** Writes a build into a folder. */
export function writeBuild(dir: string, build: string): Promise<void> {
  return writeFiles(dir, buildFiles(build));
}

/**
 * The build that a site serves, after every file of it was compared with what that build holds. Throws where two files are
 * of two builds, or one is cut.
 */
export async function readWholeBuild(
  server: Pick<LandServer, "url">,
  site: string,
): Promise<string> {
  const home = await (await askSite(server, site, "/")).text();
  const build = /<title>([^<]*)<\/title>/.exec(home)?.[1];
  if (build === undefined) throw new Error(`no build is named in: ${home.slice(0, 200)}`);
  await Promise.all(
    Object.entries(buildFiles(build)).map(async ([path, content]) => {
      const clean = path === "index.html" ? "" : path.replace(/\.html$/, "");
      const answer = await askSite(server, site, `/${clean}`);
      const bytes = Buffer.from(await answer.bytes());
      if (answer.status !== 200 || !bytes.equals(Buffer.from(content)))
        throw new Error(`${path} is not of build ${build}: ${answer.status}, ${bytes.length} B`);
    }),
  );
  return build;
}

/** `land deploy --json` of a folder, and the arguments for who does it. */
export const deployArgs = (site: string, dir: string): string[] => [
  "deploy",
  dir,
  "--site",
  site,
  "--json",
];

/** The path of a file in a data folder's blob store. */
export function blobPath(data: string, hex: string): string {
  return join(data, "blobs/sha256", hex.slice(0, 2), hex);
}
