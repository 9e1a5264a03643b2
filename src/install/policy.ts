import { fail, LandError } from "#base/errors.ts";
import { verifyVersion } from "#pack/sign.ts";
import type { IndexEntry } from "#remote/index-lines.ts";

import type { LockedPackage } from "./lockfile.ts";
import type { Metadata } from "./metadata.ts";
import type { InstallOptions } from "./options.ts";
import { inParallel } from "./parallel.ts";

const DAY_MS = 86_400_000;

/** Which versions are too young. */
type AgePolicy = Pick<InstallOptions["security"], "minimumAgeDays">;
/** What a policy is made of. */
type PolicyOptions = Pick<InstallOptions, "security" | "offline" | "concurrency" | "now">;

/**
 * Whether a version may not be picked yet: it was published less than `minimumAgeDays` ago, by the registry's own clock. One
 * whose registry tells no moment, or one to come, is too new as well, since nothing vouches for its age.
 */
export function isTooNew(
  { publishedAt }: Pick<IndexEntry, "publishedAt">,
  { minimumAgeDays }: AgePolicy,
  now: Date,
): boolean {
  if (minimumAgeDays <= 0) return false;
  return !publishedAt || now.getTime() - publishedAt.getTime() < minimumAgeDays * DAY_MS;
}

/** The versions of an index as the solver takes them: those that are too new are marked, and picked only where locked. */
export function candidatesOf(
  entries: readonly IndexEntry[],
  policy: AgePolicy,
  now: Date,
): readonly (IndexEntry & { tooNew?: true })[] {
  if (policy.minimumAgeDays <= 0) return entries;
  return entries.map((entry) =>
    isTooNew(entry, policy, now) ? { ...entry, tooNew: true as const } : entry,
  );
}

/**
 * Holds a lock to the policy of this user, whoever made it. `place` are those of its packages that are to be laid into the
 * tree: for them a claim in the lock is not enough, so where signatures are required or an age is, their registry is asked
 * and the signature verified. For what is installed already nothing is asked, and with `offline` only what is known here
 * counts.
 *
 * @throws signature_required, signature_invalid, key_changed, checksum_mismatch, version_too_new, version_not_found,
 * registry_untrusted, network
 */
export async function checkLockPolicy(
  options: PolicyOptions,
  packages: readonly LockedPackage[],
  place: readonly LockedPackage[],
  metadata: () => Promise<Pick<Metadata, "versionsOf">>,
): Promise<void> {
  const { requireSignatures, minimumAgeDays } = options.security;
  const unsigned = requireSignatures && packages.find(({ keys }) => keys.length === 0);
  if (unsigned)
    throw fail("signature_required", { name: unsigned.name, version: unsigned.version });
  if (!requireSignatures && minimumAgeDays <= 0) return;
  if (place.length === 0) return;
  const told = await metadata();
  await inParallel(place, options.concurrency * 2, async (locked) => {
    const entry = await findTold(options, locked, told);
    if (!entry) return;
    if (requireSignatures) await requireSigned(locked, entry);
    const { name, version } = locked;
    if (isTooNew(entry, options.security, options.now()))
      throw fail("version_too_new", { name, version, days: minimumAgeDays });
  });
}

/** What the registry tells of a locked version. Undefined where it cannot be asked. @throws version_not_found, checksum_mismatch */
async function findTold(
  { offline }: PolicyOptions,
  { name, version, digest }: LockedPackage,
  metadata: Pick<Metadata, "versionsOf">,
): Promise<IndexEntry | undefined> {
  const entries = await metadata.versionsOf(name).catch((error: unknown) => {
    if (offline && error instanceof LandError && error.code === "network") return undefined;
    throw error;
  });
  const entry = entries?.find((candidate) => candidate.version === version);
  if (!entry && offline) return undefined;
  if (!entry) throw fail("version_not_found", { name, version });
  if (entry.digest === digest) return entry;
  throw fail("checksum_mismatch", {
    what: `"${name}@${version}" as its registry tells of it now`,
    expected: digest,
    actual: entry.digest,
  });
}

/** @throws signature_required, signature_invalid, key_changed */
async function requireSigned(
  { name, version, keys }: LockedPackage,
  { digest, signature }: IndexEntry,
): Promise<void> {
  if (!signature) throw fail("signature_required", { name, version });
  const { key } = signature;
  if (!(await verifyVersion(signature, { name, version, digest })))
    throw fail("signature_invalid", {
      name,
      version,
      problem: `it is not one of ${key} over these bytes`,
    });
  if (!keys.includes(key))
    throw fail("key_changed", {
      name,
      version,
      known: keys.join(", "),
      got: `signed by ${key}`,
    });
}
