import { join } from "node:path";

import { LandError } from "#base/errors.ts";
import type { PackageName, Version } from "#base/names.ts";
import { byText } from "#base/order.ts";
import type { Project } from "#pack/project.ts";
import { readWorkspace } from "#pack/workspace.ts";

import { binsOf } from "./bins.ts";
import { isInPlainFolder } from "./commit.ts";
import { lockProject } from "./install.ts";
import { JOURNAL } from "./journal.ts";
import type { Lock, LockedPackage } from "./lockfile.ts";
import type { Placed } from "./marker.ts";
import { linksOf } from "./members.ts";
import { notKnownHere } from "./offline.ts";
import type { InstallOptions } from "./options.ts";
import { inParallel } from "./parallel.ts";
import { readLockOf, readRoot } from "./root-lock.ts";
import { openStore, type Store } from "./store.ts";
import type { Bins } from "./stored.ts";
import { heldBy, readTree } from "./tree.ts";
import { requireTrusted } from "./trusted.ts";
import { compareBins, type TreeNote, type TreeProblem } from "./verify-bins.ts";
import { readFolder, seenIfAny } from "./verify-folder.ts";
import { comparePackage, type Comparison, damageOf, type PathProblem } from "./verify-package.ts";
import { strangersIn, unlinkedIn } from "./verify-strangers.ts";

/** A checksum of archives. */
export type Algorithm = "sha256" | "sha512" | "blake3";

/** A package of the lock, and what is wrong with it. */
export type VerifiedPackage = {
  name: PackageName;
  version: Version;
  ok: boolean;
  /** Paths relative to its folder, "." for that itself; absolute for what lies in the store. */
  problems: PathProblem[];
};

/** What a verification found. */
export type Verification = {
  ok: boolean;
  /** The packages of the lock, sorted by name. */
  packages: VerifiedPackage[];
  /** All problems: those of packages, and those of the tree itself, whose paths are relative to the install folder. */
  problems: TreeProblem[];
  /** What is no damage, and worth knowing. Paths are relative to the install folder. */
  notes: TreeNote[];
  /** Files that were compared. */
  files: number;
};

/** What verifying needs to know. */
export type VerifyOptions = Pick<
  InstallOptions,
  | "dir"
  | "landHome"
  | "command"
  | "lockTimeoutMs"
  | "now"
  | "offline"
  | "registry"
  | "configured"
  | "remoteFor"
  | "landBinary"
  | "concurrency"
  | "onEvent"
> & {
  /** Beyond the lock's SHA-256: compare with what the registry tells of this checksum. */
  algorithm: Algorithm;
  /** Called after each package. */
  onPackage?: (done: { packages: number; of: number; files: number }) => void;
};

const ARCHIVES_AT_ONCE = 4;

/**
 * Compares the stored archives of a project with its lock, and every file of its tree with its archive. Nothing is changed.
 *
 * @throws not_found where there is no lock, lock_invalid, lock_version_unknown, manifest_missing, lock_busy, file_failed; with
 * another algorithm than sha256 registry_untrusted, network
 */
export async function verifyProject(options: VerifyOptions): Promise<Verification> {
  const project = await readRoot(options.dir);
  const osLock = await lockProject(options, project.dir);
  try {
    const { lock } = await readLockOf(project);
    const store = await openStore(options);
    try {
      return await verifyTree(options, store, project, lock);
    } finally {
      store.close();
    }
  } finally {
    osLock.release();
  }
}

async function verifyTree(
  options: VerifyOptions,
  store: Store,
  project: Project,
  lock: Lock,
): Promise<Verification> {
  const installDir = join(project.dir, project.installDir);
  const tree = await readTree(installDir);
  if (tree.kind === "foreign" && lock.packages.length > 0) {
    const problem = "was not made by land, or its .land.json is lost";
    return summary([], { problems: [{ package: "", path: ".", problem }], notes: [] }, 0);
  }
  const { placed } = heldBy(tree);
  let files = 0;
  let packages = 0;
  const checked = await inParallel(lock.packages, ARCHIVES_AT_ONCE, async (locked) => {
    const one = await verifyOne(options, store, { installDir, placed, locked });
    files += one.files;
    packages += 1;
    options.onPackage?.({ packages, of: lock.packages.length, files });
    return { ...one, locked };
  });
  const expected: Placed = new Map();
  for (const { locked, bin } of checked)
    if (bin) expected.set(locked.name, { version: locked.version, digest: locked.digest, bin });
  const windows = process.platform === "win32";
  const bins = { landBinary: options.landBinary, windows };
  const links = linksOf(await readWorkspace(project));
  const places = { rootDir: project.dir, installDir, windows };
  const expectation = { places, placed, lock, links };
  const { problems: ofBins, notes } = compareBins(
    installDir,
    binsOf([...expected, ...links]),
    bins,
  );
  const problems = [...strangersIn(expectation), ...unlinkedIn(expectation), ...ofBins];
  if (seenIfAny(join(installDir, JOURNAL)))
    problems.push({ package: "", path: JOURNAL, problem: "tells of an install that was cut off" });
  return summary(
    checked.map(({ locked: { name, version }, problems: own }) => ({
      name,
      version,
      problems: own,
    })),
    { problems, notes },
    files,
  );
}

function summary(
  checked: readonly Pick<VerifiedPackage, "name" | "version" | "problems">[],
  { problems: others, notes }: Pick<Verification, "problems" | "notes">,
  files: number,
): Verification {
  const packages = checked.map(({ name, version, problems }) => {
    const own = others.filter((problem) => problem.package === name);
    const all = [...problems, ...own.map(({ path, problem }) => ({ path, problem }))];
    return { name, version, ok: all.length === 0, problems: all };
  });
  const known = new Set<string>(packages.map(({ name }) => name));
  const problems = [
    ...packages.flatMap(({ name, problems: own }) =>
      own.map((problem) => ({ package: name, ...problem })),
    ),
    ...others.filter((problem) => !known.has(problem.package)),
  ];
  return { ok: problems.length === 0, packages, problems, notes, files };
}

type Place = { installDir: string; placed: Placed; locked: LockedPackage };
type Checked = { problems: PathProblem[]; bin: Bins | undefined; files: number };

async function verifyOne(options: VerifyOptions, store: Store, place: Place): Promise<Checked> {
  const { installDir, placed, locked } = place;
  const { name, digest } = locked;
  const folder = join(installDir, name);
  const before = placed.get(name);
  const own = folderProblem(place, folder);
  const archive = store.archivePath(digest);
  const told = (problem: string): Checked => {
    const problems = own === undefined ? [] : [{ path: ".", problem: own }];
    return { problems: [...problems, { path: archive, problem }], bin: before?.bin, files: 0 };
  };
  const seen = own === undefined ? readFolder(folder) : undefined;
  let found: Comparison | undefined;
  try {
    found = await comparePackage(archive, folder, seen, options.algorithm !== "sha256");
  } catch (error) {
    return told(`is damaged: ${damageOf(error)}`);
  }
  if (!found) return told("is missing: nothing vouches for the files");
  if (found.digests.digest !== digest)
    return told(`has the checksum ${found.digests.digest}, the lock ${digest}`);
  const problems = own === undefined ? found.problems : [{ path: ".", problem: own }];
  const further = await furtherProblem(options, locked, found.digests);
  if (further !== undefined) problems.push({ path: archive, problem: further });
  const sorted = problems.toSorted((a, b) => byText(a.path, b.path));
  return { problems: sorted, bin: before && found.bin, files: found.files };
}

/** What is wrong with the folder of a package before any file in it is looked at. */
function folderProblem({ installDir, placed, locked }: Place, folder: string): string | undefined {
  const { name, version, digest } = locked;
  const before = placed.get(name);
  if (!isInPlainFolder(installDir, name) && seenIfAny(join(folder, "..")))
    return "lies behind a link";
  const there = seenIfAny(folder);
  if (!before || !there) return "is not installed";
  if (before.digest !== digest || before.version !== version)
    return `holds ${before.version}, the lock names ${version}`;
  if (there.kind === "link") return "is a link where a folder belongs";
  return there.kind === "folder" ? undefined : "is no folder";
}

/** Whether the archive has the further checksum that its registry tells. @throws registry_untrusted, network */
async function furtherProblem(
  options: VerifyOptions,
  { name, version, registry }: LockedPackage,
  digests: Comparison["digests"],
): Promise<string | undefined> {
  const { algorithm } = options;
  if (algorithm === "sha256") return undefined;
  if (options.offline)
    throw notKnownHere(registry, `what it tells of ${algorithm} is not known here`);
  requireTrusted(options, registry, name);
  const remote = await options.remoteFor(registry);
  const told = await remote.readVersion(name, version).catch((error: unknown) => {
    if (error instanceof LandError && error.status === 404) return undefined;
    throw error;
  });
  if (!told) return "is of a version that its registry does not know any more";
  const [expected, actual] =
    algorithm === "sha512" ? [told.integrity, digests.integrity] : [told.blake3, digests.blake3];
  if (expected === actual) return undefined;
  return `has the ${algorithm} ${actual ?? ""}, its registry tells ${expected}`;
}
