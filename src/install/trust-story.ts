import { LandError } from "#base/errors.ts";
import { type PackageName, printable, type Version } from "#base/names.ts";
import type { PublicKey } from "#pack/sign.ts";
import type { Package, Version as ToldVersion } from "#registry/model.ts";
import type { Remote } from "#remote/client.ts";

/** What a registry tells of one key. Nothing of it is proven: it is told so that people can ask the publisher. */
export type KeyAccount = {
  key: PublicKey;
  /** Versions it signed, oldest first. */
  versions: string[];
  /** When the first of them was published, ISO 8601. */
  firstSeenAt?: string;
  /** Who published them, sorted. */
  publishers: string[];
  /** Publishers whose account holds the key now, and since when, ISO 8601. */
  heldBy: { user: string; since: string }[];
};

/** Where a signing key changed, or ended: for people, and as data. */
export type KeyStory = {
  package: PackageName;
  version: Version;
  publishedAt?: string;
  publishedBy?: string;
  /** Who signed it; absent where it is not signed. */
  newKey?: KeyAccount;
  /** The keys that were known. */
  knownKeys: KeyAccount[];
  /** Who owns the package now. */
  owners: string[];
  /** Publishers of versions signed by a known key who own it no more. */
  formerOwners: string[];
  /** The same as sentences, made safe for a terminal. */
  lines: string[];
};

/** What the story is about. */
export type KeyQuestion = {
  name: PackageName;
  version: Version;
  /** The keys that the lock knows. */
  pinned: readonly PublicKey[];
  /** Who signed it, as verified: what the story tells must be of the key that is then trusted. Absent where nobody did. */
  signedBy?: PublicKey;
};

/**
 * What the registry tells of the keys of a package: who published with which, when each was first seen, who holds it now,
 * and whether the owners changed.
 *
 * @throws network, package_not_found and what the registry tells
 */
export async function keyStory(remote: Remote, question: KeyQuestion): Promise<KeyStory> {
  const { name, version, pinned, signedBy } = question;
  const told = await remote.readPackage(name);
  const own = told.versions.find((item) => item.version === version);
  const holders = createHolders(remote);
  const account = (key: PublicKey): Promise<KeyAccount> => accountOf(key, told, holders);
  const knownKeys = await Promise.all(pinned.map(account));
  const newKey = signedBy && (await account(signedBy));
  const former = new Set(knownKeys.flatMap(({ publishers }) => publishers));
  const story = {
    package: name,
    version,
    ...(own && { publishedAt: own.publishedAt }),
    ...(own?.publishedBy && { publishedBy: own.publishedBy }),
    ...(newKey && { newKey }),
    knownKeys,
    owners: told.owners,
    formerOwners: [...former.difference(new Set(told.owners))],
  };
  return { ...story, lines: linesOf(story) };
}

/** The keys of accounts, each asked for once; undefined where there is no such account. */
function createHolders(remote: Remote): (user: string) => Promise<Map<string, string> | undefined> {
  const asked = new Map<string, Promise<Map<string, string> | undefined>>();
  return (user) => {
    const running = asked.get(user) ?? readKeysOf(remote, user);
    asked.set(user, running);
    return running;
  };
}

/** The keys that an account holds, with the moment of each; undefined where there is no such account. */
export async function readKeysOf(
  remote: Remote,
  user: string,
): Promise<Map<string, string> | undefined> {
  try {
    const keys = await remote.listKeys(user);
    return new Map(keys.map(({ key, createdAt }) => [key, createdAt]));
  } catch (error) {
    if (error instanceof LandError && error.status === 404) return undefined;
    throw error;
  }
}

async function accountOf(
  key: PublicKey,
  { versions }: Package,
  holders: ReturnType<typeof createHolders>,
): Promise<KeyAccount> {
  const signed = versions
    .filter((item) => item.key === key)
    // They come newest first: those of one moment keep their order.
    .toReversed()
    .toSorted((a, b) => Date.parse(a.publishedAt) - Date.parse(b.publishedAt));
  const publishers = publishersOf(signed);
  const heldBy: KeyAccount["heldBy"] = [];
  for (const user of publishers) {
    const since = (await holders(user))?.get(key);
    if (since !== undefined) heldBy.push({ user, since });
  }
  const firstSeenAt = signed[0]?.publishedAt;
  return {
    key,
    versions: signed.map(({ version }) => version),
    ...(firstSeenAt !== undefined && { firstSeenAt }),
    publishers,
    heldBy,
  };
}

function publishersOf(versions: readonly ToldVersion[]): string[] {
  return [...new Set(versions.flatMap(({ publishedBy }) => publishedBy ?? []))].toSorted();
}

function linesOf(story: Omit<KeyStory, "lines">): string[] {
  const { version, publishedAt, publishedBy, newKey, knownKeys, owners, formerOwners } = story;
  const by = printable(publishedBy ?? "an account that is gone");
  const lines = [
    ...(publishedAt === undefined
      ? [`The registry does not tell of ${version} any more`]
      : [`${by} published ${version} on ${dayOf(publishedAt)}${newKey ? "" : ", not signed"}`]),
    ...(newKey ? newKeyLines(newKey, by) : []),
    ...knownKeys.flatMap(knownKeyLines),
    `Owners now: ${owners.map(printable).join(", ") || "nobody"}`,
  ];
  if (formerOwners.length > 0)
    lines.push(`No longer an owner: ${formerOwners.map(printable).join(", ")}`);
  return lines;
}

function newKeyLines({ key, heldBy, versions }: KeyAccount, by: string): string[] {
  const [held] = heldBy;
  return [
    `The new key: ${key}`,
    held
      ? `  registered with the account ${printable(held.user)} on ${dayOf(held.since)}`
      : `  the account ${by} does not hold it now`,
    ...(versions.length > 1 ? [`  it signed ${spanOf(versions)} too`] : []),
  ];
}

function knownKeyLines({ key, heldBy, versions, publishers, firstSeenAt }: KeyAccount): string[] {
  const who = publishers.map(printable).join(", ");
  const lines = [`The known key: ${key}`];
  if (firstSeenAt === undefined) return [...lines, "  it signed no version that is there now"];
  lines.push(`  first seen on ${dayOf(firstSeenAt)}; it signed ${spanOf(versions)}, by ${who}`);
  if (heldBy.length === 0) lines.push(`  revoked: the account ${who} holds it no more`);
  else
    lines.push(
      `  still held by the account ${heldBy.map(({ user }) => printable(user)).join(", ")}`,
    );
  return lines;
}

function spanOf(versions: readonly string[]): string {
  const [first = "", last = ""] = [versions[0], versions.at(-1)];
  if (versions.length <= 1) return printable(first);
  return `${versions.length} versions, ${printable(first)} to ${printable(last)}`;
}

/** `2026-03-01`, as the registry tells it. */
function dayOf(moment: string): string {
  return printable(moment.slice(0, 10));
}
