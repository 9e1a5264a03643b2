/**
 * Real input: takes real packages of all sizes with what they depend on from the npm registry, publishes them to a
 * `land serve` of its own, and adds each root to a project of its own, comparing every installed file with what was
 * published. Roots that have no solution with one version per name must end with exit 10.
 *
 *   bun bench/real.ts [--roots N] [--keep DIR]
 *
 * Needs a built dist/land, the npm registry and `tar`. Tarballs are fetched at run time into a temporary folder.
 */
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import prettyBytes from "pretty-bytes";
import semver from "semver";

import { land, startLand } from "../test/support/land.ts";
import { hashTree, writeFiles } from "../test/support/project.ts";
import { ROOTS } from "./real-roots.ts";

type NpmVersion = {
  name: string;
  version: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  dist: { tarball: string; unpackedSize?: number };
};
type Packument = { "dist-tags": Record<string, string>; versions: Record<string, NpmVersion> };

const flag = (name: string): string | undefined => {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
};
const roots = ROOTS.slice(0, Number(flag("--roots") ?? ROOTS.length));
const work = flag("--keep") ?? (await mkdtemp(join(tmpdir(), "land-real-")));
const registry = (await Bun.$`npm config get registry`.text()).trim().replace(/\/$/, "");
const seconds = (sinceMs: number): string =>
  `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** Runs `work` over all items, at most `width` at once. */
async function each<T>(items: Iterable<T>, width: number, visit: (item: T) => Promise<void>) {
  const queue = [...items].values();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const item of queue) await visit(item);
    }),
  );
}

// ── what npm would need: for each requirement the newest version that satisfies it ──────────────
const packuments = new Map<string, Promise<Packument | undefined>>();
function packument(name: string): Promise<Packument | undefined> {
  const known = packuments.get(name);
  if (known) return known;
  const asked = (async () => {
    for (let attempt = 0; attempt < 4; attempt += 1) {
      const answer = await fetch(`${registry}/${name.replace("/", "%2f")}`, {
        headers: { accept: "application/vnd.npm.install-v1+json" },
      }).catch(() => undefined);
      if (answer?.status === 404) return undefined;
      if (answer?.ok) return (await answer.json()) as Packument;
    }
    return undefined;
  })();
  packuments.set(name, asked);
  return asked;
}

const needed = new Map<string, NpmVersion>();
const rootVersions = new Map<string, string>();
let notRanges = 0;

async function need(name: string, range: string): Promise<NpmVersion[]> {
  const document = await packument(name);
  if (!document) return [];
  const version =
    document["dist-tags"][range] ?? semver.maxSatisfying(Object.keys(document.versions), range);
  const found = version ? document.versions[version] : undefined;
  if (!found || needed.has(`${name}@${found.version}`)) return [];
  needed.set(`${name}@${found.version}`, found);
  return [found];
}

const startedMs = performance.now();
let frontier: NpmVersion[] = [];
await each(roots, 8, async (name) => {
  const [found] = await need(name, "latest");
  if (!found) return;
  rootVersions.set(name, found.version);
  frontier.push(found);
});
while (frontier.length > 0) {
  const next: NpmVersion[] = [];
  const edges = frontier.flatMap(({ dependencies, optionalDependencies }) =>
    Object.entries({ ...dependencies, ...optionalDependencies }),
  );
  await each(edges, 8, async ([name, range]) => {
    if (semver.validRange(range) === null) notRanges += 1;
    else next.push(...(await need(name, range)));
  });
  frontier = next;
}
console.log(`roots              ${rootVersions.size}`);
console.log(
  `package versions   ${needed.size} of ${new Set([...needed.values()].map((v) => v.name)).size} names`,
);
console.log(`not ranges         ${notRanges} requirements (git, alias, address)`);

// ── fetch and unpack ─────────────────────────────────────────────────────────────────────────
const folderOf = (id: string): string => join(work, "source", id.replace("/", "+"));
let packedBytes = 0;
const fetchedMs = performance.now();
const unfetched: string[] = [];
await each(needed, 8, async ([id, { dist }]) => {
  const dir = folderOf(id);
  if ((await readdir(dir).catch(() => [])).length > 0) return;
  const answer = await fetch(dist.tarball).catch(() => undefined);
  if (!answer?.ok) return void unfetched.push(id);
  const bytes = await answer.bytes();
  packedBytes += bytes.byteLength;
  await mkdir(dir, { recursive: true });
  const tar = Bun.spawn(["tar", "-xz", "--strip-components=1", "--no-same-owner", "-C", dir], {
    stdin: bytes,
    stderr: "ignore",
  });
  if ((await tar.exited) !== 0) unfetched.push(id);
  await Bun.spawn(["chmod", "-R", "u+rwX", dir]).exited;
});
console.log(
  `fetched            ${prettyBytes(packedBytes)} packed in ${seconds(fetchedMs)}, ${unfetched.length} not to be had`,
);

// ── publish ──────────────────────────────────────────────────────────────────────────────────
const home = join(work, "home");
await mkdir(home, { recursive: true });
await using server = await startLand({
  data: join(work, "data"),
  home,
  env: { LAND_RATE_LIMIT: "off", LAND_LOG_LEVEL: "warn" },
});
const env = { LAND_REGISTRY: server.url };
const cli = (args: string[], cwd: string, input?: string) =>
  land(args, { cwd, home, env, ...(input !== undefined && { input }) });
const made = await cli(
  ["register", "--username", "bench", "--email", "bench@example.com", "--password-stdin"],
  home,
  "correct horse battery\n",
);
if (made.exitCode !== 0) throw new Error(made.stderr);
// A scope belongs to the user of its name; each needs an account here.
const scopes = new Set(
  [...needed.values()].flatMap(({ name }) => /^@([^/]+)\//.exec(name)?.[1] ?? []),
);
const scopeHomes = new Map<string, string>();
for (const scope of scopes) {
  const scopeHome = join(work, "homes", scope);
  await mkdir(scopeHome, { recursive: true });
  const done = await land(
    ["register", "--username", scope, "--email", `${scope}@example.com`, "--password-stdin"],
    { cwd: scopeHome, home: scopeHome, env, input: "correct horse battery\n" },
  );
  if (done.exitCode === 0) scopeHomes.set(scope, scopeHome);
}

function parseProblem(text: string): { code?: string; detail?: string } {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

type Published = {
  name: string;
  version: string;
  sizeBytes: number;
  files: { path: string; sizeBytes: number }[];
};
const published = new Map<string, Published>();
const refused = new Map<string, string[]>();
const publishMs: number[] = [];
const publishedMs = performance.now();
await each(needed, 2, async ([id, { name }]) => {
  if (unfetched.includes(id)) return;
  const scope = /^@([^/]+)\//.exec(name)?.[1];
  const at = performance.now();
  const done = await land(["publish", "--json", "--yes"], {
    cwd: folderOf(id),
    home: scope ? (scopeHomes.get(scope) ?? home) : home,
    env,
  });
  publishMs.push(performance.now() - at);
  if (done.exitCode === 0) return void published.set(id, done.json<Published>());
  const problem = parseProblem(done.stdout);
  const code = problem.code ?? "?";
  const detail = problem.detail ?? done.stderr;
  refused.set(code, [...(refused.get(code) ?? []), `${id}: ${detail}`]);
});
const files = [...published.values()].flatMap((version) => version.files);
const sizes = [...published.values()].map(({ sizeBytes }) => sizeBytes).toSorted((a, b) => a - b);
console.log(
  `published          ${published.size} versions, ${files.length} files, ${prettyBytes(files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0))} unpacked in ${seconds(publishedMs)} (median ${median(publishMs).toFixed(0)} ms each, 2 at once)`,
);
console.log(
  `packed sizes       ${prettyBytes(sizes[0] ?? 0)} to ${prettyBytes(sizes.at(-1) ?? 0)}, median ${prettyBytes(median(sizes))}`,
);
for (const [code, ids] of refused) {
  console.log(`refused            ${ids.length} with ${code}`);
  for (const text of ids.slice(0, 5)) console.log(`                     ${text.slice(0, 200)}`);
}

// ── install each root in a project of its own, and compare every file ──────────────────────────
const hashes = new Map<string, Record<string, string>>();
async function sourceHashes(id: string): Promise<Record<string, string>> {
  const known = hashes.get(id) ?? (await hashTree(folderOf(id)));
  hashes.set(id, known);
  return known;
}
let solved = 0;
let unsolved = 0;
let comparedFiles = 0;
let comparedBytes = 0;
const wrong: string[] = [];
const addMs: number[] = [];
for (const [root, version] of rootVersions) {
  if (!published.has(`${root}@${version}`)) continue;
  const project = join(work, "projects", root.replace("/", "+"));
  await rm(project, { recursive: true, force: true });
  await writeFiles(project, { "land.json": '{ "name": "project", "version": "1.0.0" }\n' });
  const at = performance.now();
  const done = await cli(["add", `${root}@${version}`, "--json"], project);
  addMs.push(performance.now() - at);
  if (done.exitCode === 10) {
    unsolved += 1;
    continue;
  }
  if (done.exitCode !== 0) {
    wrong.push(`${root}@${version}: exit ${done.exitCode} ${done.stdout.slice(0, 300)}`);
    continue;
  }
  solved += 1;
  for (const { name, version: installed } of done.json<{
    added: { name: string; version: string }[];
  }>().added) {
    const id = `${name}@${installed}`;
    const source = await sourceHashes(id);
    const tree = await hashTree(join(project, "land_modules", name));
    for (const { path, sizeBytes } of published.get(id)?.files ?? []) {
      if (source[path] !== undefined && source[path] !== tree[path])
        wrong.push(`${id}: ${path} differs`);
      if (tree[path] === undefined) wrong.push(`${id}: ${path} is missing`);
      comparedFiles += 1;
      comparedBytes += sizeBytes;
    }
    for (const path of Object.keys(tree))
      if (!published.get(id)?.files.some((file) => file.path === path))
        wrong.push(`${id}: ${path} is too much`);
  }
}
console.log(
  `installed          ${solved} of ${solved + unsolved} roots (median ${median(addMs).toFixed(0)} ms each), ${unsolved} have no solution with one version per name (exit 10)`,
);
console.log(`compared           ${comparedFiles} files, ${prettyBytes(comparedBytes)}`);
console.log(`wrong              ${wrong.length}`);
for (const text of wrong.slice(0, 20)) console.log(`                     ${text}`);
console.log(`whole run          ${seconds(startedMs)}`);
await server.end("SIGTERM");
if (!flag("--keep")) await rm(work, { recursive: true, force: true });
process.exit(wrong.length > 0 ? 1 : 0);
