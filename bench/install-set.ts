/** The packages of `bench/install.ts`: real ones from the npm registry that can all be installed with one version per name. */
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";

import semver from "semver";

import { parseVersion } from "../src/base/names.ts";
import { type Candidate } from "../src/solve/model.ts";
import { solve } from "../src/solve/solve.ts";
import { land, type LandServer, startLand } from "../test/support/land.ts";
import { writeFiles } from "../test/support/project.ts";
import { LIGHT_ROOTS, ROOTS } from "./real-roots.ts";

/** A package of the set. */
export type Member = {
  name: string;
  version: string;
  dependencies: Record<string, string>;
  tarball: string;
};

/** What is installed. */
export type PackageSet = { roots: Record<string, string>; members: Member[] };

type NpmVersion = Pick<Member, "name" | "version"> & {
  dependencies?: Record<string, string>;
  dist: { tarball: string };
};
type Packument = { "dist-tags": Record<string, string>; versions: Record<string, NpmVersion> };

/** Publishes twice as many at a time as there are cores here. */
const WIDTH = 4;

/** Runs `visit` over all items, at most `width` at once. */
export async function each<T>(
  items: Iterable<T>,
  width: number,
  visit: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items].values();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const item of queue) await visit(item);
    }),
  );
}

/** Chooses roots until at least `wanted` packages are needed; kept in `dir` for the next run. */
export async function chooseSet(
  dir: string,
  registry: string,
  wanted: number,
): Promise<PackageSet> {
  const kept = Bun.file(join(dir, `set-${wanted}.json`));
  if (await kept.exists()) return (await kept.json()) as PackageSet;
  const packuments = new Map<string, Promise<Packument | undefined>>();
  const versions = new Map<string, Map<string, NpmVersion>>();
  const ask = (name: string): Promise<Packument | undefined> => {
    const asked = packuments.get(name) ?? readPackument(registry, name);
    packuments.set(name, asked);
    return asked;
  };
  const roots: Record<string, string> = {};
  let members: Member[] = [];
  for (const root of [...ROOTS, ...LIGHT_ROOTS]) {
    if (members.length >= wanted) break;
    const newest = (await ask(root))?.["dist-tags"]["latest"];
    if (newest === undefined || !isName(root)) continue;
    await collect(ask, versions, root, newest);
    const attempt = { ...roots, [root]: `^${newest}` };
    const found = await solveSet(attempt, versions);
    if (found) {
      roots[root] = `^${newest}`;
      members = found;
    }
  }
  const set = { roots, members };
  await Bun.write(kept, JSON.stringify(set));
  return set;
}

async function readPackument(registry: string, name: string): Promise<Packument | undefined> {
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const answer = await fetch(`${registry}/${name.replace("/", "%2f")}`, {
      headers: { accept: "application/vnd.npm.install-v1+json" },
    }).catch(() => undefined);
    if (answer?.status === 404) return undefined;
    if (answer?.ok) return (await answer.json()) as Packument;
  }
  return undefined;
}

/** Notes, for each requirement that is reached, the newest version that satisfies it. */
async function collect(
  ask: (name: string) => Promise<Packument | undefined>,
  versions: Map<string, Map<string, NpmVersion>>,
  name: string,
  range: string,
): Promise<void> {
  const document = await ask(name);
  const newest =
    document?.["dist-tags"][range] ??
    semver.maxSatisfying(Object.keys(document?.versions ?? {}), range);
  const found = newest ? document?.versions[newest] : undefined;
  const known = versions.get(name) ?? new Map<string, NpmVersion>();
  if (!found || known.has(found.version)) return;
  known.set(found.version, found);
  versions.set(name, known);
  await Promise.all(
    Object.entries(found.dependencies ?? {}).map(([to, wanted]) =>
      collect(ask, versions, to, wanted),
    ),
  );
}

const isName = (name: string): boolean => /^[a-z0-9][a-z0-9._-]{0,63}$/.test(name);

async function solveSet(
  roots: Record<string, string>,
  versions: Map<string, Map<string, NpmVersion>>,
): Promise<Member[] | undefined> {
  const listed = (name: string): readonly Candidate[] | undefined => {
    const known = versions.get(name);
    if (!known || !isName(name)) return undefined;
    return [...known.values()].map(({ version, dependencies = {} }) => ({
      version: parseVersion(version),
      dependencies,
      optionalDependencies: {},
      yanked: false,
    }));
  };
  const result = await solve({
    root: { dependencies: roots, devDependencies: {}, optionalDependencies: {}, overrides: {} },
    locked: new Map(),
    versionsOf: async (name) => listed(name),
  });
  if (!result.ok) return undefined;
  return result.solution.packages.flatMap(({ name, version }) => {
    const found = versions.get(name)?.get(version);
    if (!found) return [];
    const { dependencies = {}, dist } = found;
    return [{ name, version, dependencies, tarball: dist.tarball }];
  });
}

/** A server that has them all; those that it refuses are told, and their roots must go. */
export async function publishSet(
  dir: string,
  set: PackageSet,
): Promise<{ server: LandServer; home: string; refused: string[] }> {
  const home = join(dir, "publisher");
  await mkdir(home, { recursive: true });
  const server = await startLand({
    data: join(dir, "data"),
    home,
    env: { LAND_RATE_LIMIT: "off", LAND_LOG_LEVEL: "warn" },
  });
  const refused: string[] = [];
  const done = Bun.file(join(dir, `published-${set.members.length}.json`));
  if (await done.exists()) return { server, home, refused: (await done.json()) as string[] };
  const env = { LAND_REGISTRY: server.url };
  await land(["register", "--username", "bench", "--email", "b@example.com", "--password-stdin"], {
    cwd: home,
    home,
    env,
    input: "correct horse battery\n",
  });
  await each(set.members, WIDTH, async (member) => {
    const source = await unpack(dir, member);
    // Under the name, ranges and version that were solved: what npm's registry says and what an archive says may differ.
    const { name, version, dependencies } = member;
    await writeFiles(source, {
      "package.json": JSON.stringify({
        ...(await manifestOf(source)),
        name,
        version,
        dependencies,
      }),
    });
    const sent = await land(["publish", "--json", "--yes", "--allow-secrets"], {
      cwd: source,
      home,
      env,
    });
    if (sent.exitCode !== 0) refused.push(`${name}@${version}: ${sent.stdout.slice(0, 200)}`);
  });
  await Bun.write(done, JSON.stringify(refused));
  return { server, home, refused };
}

async function unpack(dir: string, { name, version, tarball }: Member): Promise<string> {
  const source = join(dir, "source", `${name}@${version}`);
  if ((await readdir(source).catch(() => [])).length > 0) return source;
  const answer = await fetch(tarball);
  if (!answer.ok) throw new Error(`${tarball}: ${answer.status}`);
  await mkdir(source, { recursive: true });
  const tar = Bun.spawn(["tar", "-xz", "--strip-components=1", "--no-same-owner", "-C", source], {
    stdin: await answer.bytes(),
    stderr: "ignore",
  });
  await tar.exited;
  await Bun.spawn(["chmod", "-R", "u+rwX", source]).exited;
  return source;
}

/** Without what runs scripts or points elsewhere. */
async function manifestOf(source: string): Promise<Record<string, unknown>> {
  const { bin, main, license, type, exports, description } = await Bun.file(
    join(source, "package.json"),
  ).json();
  return { bin, main, license, type, exports, description };
}
