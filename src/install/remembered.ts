import { LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import type { Workspace } from "#pack/workspace.ts";

import { changedSince } from "./freshness.ts";
import { differencesOf, lockedManifestsOf } from "./lock-fit.ts";
import { serializeLock } from "./lock-write.ts";
import { type Lock, type LockedPackage, parseLock } from "./lockfile.ts";
import { toSolve } from "./members.ts";
import { hashOf, type Memo, readMemo, writeMemo } from "./memo-file.ts";
import type { Metadata } from "./metadata.ts";
import type { InstallOptions } from "./options.ts";
import { isTrusted } from "./trusted.ts";

/** A question to the solver, as far as this machine knows it: what registries tell is the other half. */
export type Question = {
  options: InstallOptions;
  workspace: Workspace;
  old: Lock | undefined;
  metadata: Metadata;
  key: string;
};

/**
 * The question of a plain install, for which an answer may be remembered: the same manifests, lock, settings and solver lead to the
 * same lock as long as the registries tell the same. Undefined for all others, and where a policy of the user goes by signatures
 * or by the clock: these are looked at each time.
 */
export function questionOf(about: Omit<Question, "key">): Question | undefined {
  const { options, workspace, old } = about;
  const { memory, mode, offline, security, resolution, registry, configured } = options;
  if (!memory || mode.kind !== "install" || offline) return undefined;
  if (security.requireSignatures || security.minimumAgeDays > 0) return undefined;
  const { root, memberOf } = toSolve(workspace);
  const { members } = workspace;
  const parts = [
    [memory.solver, options.landVersion, resolution, registry, configured],
    [...lockedManifestsOf(workspace.root.manifest, members)],
    [root, members.map(({ folder, name }) => [folder, name, memberOf(name)])],
    old && serializeLock(old),
  ];
  return { ...about, key: hashOf(JSON.stringify(parts)) };
}

/**
 * The lock that this very question led to before, where the registries still tell the same of every package that was looked at:
 * they are asked for that by one request each, and not at all for as long as they let it be believed. Undefined where it has to be
 * solved. What is remembered is held to what a solved lock is held to.
 *
 * @throws network
 */
export async function recallLock(question: Question): Promise<Lock | undefined> {
  const { options, metadata, key } = question;
  const memo = readMemo(options.landHome, key);
  const lock = memo && lockIn(memo, question);
  if (!memo || !lock) return undefined;
  if (!isFresh(memo, options)) {
    const told = await metadata.confirm(memo.asked);
    if (!told) return undefined;
    writeMemo(options.landHome, key, { ...memo, ...told });
  }
  for (const problem of memo.warnings)
    options.onEvent?.({ kind: "warn", problem: printable(problem) });
  return lock;
}

/** Remembers what a question led to. */
export function rememberLock(
  { options, metadata, key }: Question,
  lock: Lock,
  warnings: string[],
): void {
  const told = metadata.told();
  if (told && told.asked.size > 0)
    writeMemo(options.landHome, key, { lock: serializeLock(lock), warnings, ...told });
}

/** Whether no registry has to be asked. */
function isFresh({ toldAt, maxAgeSeconds }: Memo, options: InstallOptions): boolean {
  const { memory, landHome, lockOnly, now } = options;
  const seconds = lockOnly ? 0 : Math.min(maxAgeSeconds, memory?.maxAgeSeconds ?? 0);
  const age = now().getTime() - toldAt;
  return age >= 0 && age < seconds * 1000 && !changedSince(landHome, toldAt);
}

/** The lock of a memo; undefined where it could not have come of the question. */
function lockIn(memo: Memo, { options, workspace, old, metadata }: Question): Lock | undefined {
  const { root, members } = workspace;
  const before = new Map(old?.packages.map((locked) => [locked.name, locked]));
  try {
    const lock = parseLock(memo.lock);
    for (const locked of lock.packages) {
      const { name, registry } = locked;
      if (!isTrusted(options, registry)) return undefined;
      if (registry !== metadata.registryOf(name)) return undefined;
      if (typeof memo.asked.get(registry)?.get(name) !== "string") return undefined;
      if (!keepsTo(before.get(name), locked)) return undefined;
    }
    return differencesOf(lock, root.manifest, members).length === 0 ? lock : undefined;
  } catch (error) {
    if (error instanceof LandError) return undefined;
    throw error;
  }
}

/** Whether a package has the bytes and the keys that the old lock knows of it. */
function keepsTo(before: LockedPackage | undefined, { version, digest, keys }: LockedPackage) {
  if (!before) return true;
  if (before.version === version && before.digest !== digest) return false;
  return before.keys.length === 0 || before.keys.join() === keys.join();
}
