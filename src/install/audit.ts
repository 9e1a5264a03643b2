import { LandError } from "#base/errors.ts";
import { isVersion, type PackageName, type Version } from "#base/names.ts";
import { compareVersions } from "#base/ranges.ts";
import type { Version as ToldVersion } from "#registry/model.ts";
import type { Remote } from "#remote/client.ts";
import { momentOf } from "#remote/index-lines.ts";
import type { RegistryUrl } from "#remote/registry-url.ts";

import { auditSignature, type KeysOf, type SignatureAudit } from "./audit-signatures.ts";
import type { LockedPackage } from "./lockfile.ts";
import type { InstallOptions } from "./options.ts";
import { inParallel } from "./parallel.ts";
import { isTooNew } from "./policy.ts";
import { readLockOf, readRoot } from "./root-lock.ts";
import { readKeysOf } from "./trust-story.ts";
import { requireTrusted } from "./trusted.ts";

/** What the registry tells of a locked version now. Its texts were not made safe for a terminal. */
export type AuditedPackage = {
  name: PackageName;
  version: Version;
  registry: RegistryUrl;
  signature: SignatureAudit;
  /** Whether the signature is as good as the policy wants. */
  ok: boolean;
  yanked: boolean;
  /** The message of a deprecation. */
  deprecated?: string;
  /** Whether it is younger than `security.minimumAge`. */
  tooNew: boolean;
  publishedAt?: string;
  publishedBy?: string;
  /** Of a yanked or deprecated version: the newest that is neither. */
  newer?: Version;
};

/** All packages of a lock, sorted by name. */
export type Audit = {
  /** Nothing is yanked, too new or signed badly. */
  ok: boolean;
  packages: AuditedPackage[];
};

/** What an audit needs to know. */
export type AuditOptions = Pick<
  InstallOptions,
  "dir" | "registry" | "configured" | "remoteFor" | "concurrency" | "security" | "now"
> & { onPackage?: (done: number, of: number) => void };

/**
 * Asks the registries what they tell now of the versions in the lock of a project: whether they were yanked or deprecated, and
 * what their signatures are worth. Nothing is changed.
 *
 * @throws not_found where there is no lock, lock_invalid, registry_untrusted, network, and what the registry tells
 */
export async function auditProject(options: AuditOptions): Promise<Audit> {
  const { lock } = await readLockOf(await readRoot(options.dir));
  const keysOf = createKeysOf();
  let done = 0;
  const packages = await inParallel(lock.packages, options.concurrency, async (locked) => {
    const audited = await auditOne(options, locked, keysOf);
    options.onPackage?.(++done, lock.packages.length);
    return audited;
  });
  const ok = packages.every((item) => item.ok && !item.yanked && !item.tooNew);
  return { ok, packages };
}

async function auditOne(
  options: AuditOptions,
  locked: LockedPackage,
  keysOf: (remote: Remote) => KeysOf,
): Promise<AuditedPackage> {
  const { name, version, registry } = locked;
  requireTrusted(options, registry, name);
  const remote = await options.remoteFor(registry);
  const told = await unlessAbsent(remote.readVersion(name, version));
  const signature = await auditSignature(locked, told, keysOf(remote));
  const bad = told && (told.yanked || told.deprecated !== null);
  const newer = bad ? await findNewer(remote, name) : undefined;
  return {
    name,
    version,
    registry,
    signature,
    ok: isGood(signature, options),
    yanked: told?.yanked ?? false,
    tooNew: told !== undefined && isYoung(told, options),
    ...(told && { publishedAt: told.publishedAt }),
    ...(told?.publishedBy && { publishedBy: told.publishedBy }),
    ...(told?.deprecated && { deprecated: told.deprecated }),
    ...(newer !== undefined && { newer }),
  };
}

function isGood({ status }: SignatureAudit, { security }: AuditOptions): boolean {
  return status === "valid" || (status === "unsigned" && !security.requireSignatures);
}

function isYoung({ publishedAt }: ToldVersion, { security, now }: AuditOptions): boolean {
  const moment = momentOf(publishedAt);
  return isTooNew(moment ? { publishedAt: moment } : {}, security, now());
}

async function findNewer(remote: Remote, name: PackageName): Promise<Version | undefined> {
  const told = await unlessAbsent(remote.readPackage(name));
  const good = (told?.versions ?? []).filter((item) => !item.yanked && item.deprecated === null);
  const versions = good.map((item) => item.version).filter(isVersion);
  const stable = versions.filter((version) => !version.includes("-"));
  return (stable.length > 0 ? stable : versions).toSorted(compareVersions).at(-1);
}

/** Asks for the keys of each account once. */
function createKeysOf(): (remote: Remote) => KeysOf {
  const asked = new Map<string, ReturnType<KeysOf>>();
  return (remote) => (user) => {
    const who = `${remote.registry} ${user}`;
    const running = asked.get(who) ?? readKeysOf(remote, user);
    asked.set(who, running);
    return running;
  };
}

async function unlessAbsent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof LandError && /^(?:version|package)_not_found$/.test(error.code))
      return undefined;
    throw error;
  }
}
