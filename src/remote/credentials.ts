import { join } from "node:path";

import { fail } from "#base/errors.ts";
import { byText } from "#base/order.ts";
import { isMap, type JsonMap, readJson } from "#pack/json.ts";
import { readTextIfAny, writeFileAtomic } from "#store/files.ts";
import { type Lock, takeLock } from "#store/lock.ts";

import { parseRegistryUrl, type RegistryUrl } from "./registry-url.ts";

/** An account at one registry, and the token that speaks for it. */
export type Credential = { user: string; token: string };

/** Where credentials are kept, one per registry. Each verb throws `credentials_invalid` rather than lose what it cannot read. */
export type Credentials = {
  read: (registry: RegistryUrl) => Promise<Credential | undefined>;
  /** Replaces what was there for that registry. */
  write: (registry: RegistryUrl, credential: Credential) => Promise<void>;
  /** Whether there was one. */
  remove: (registry: RegistryUrl) => Promise<boolean>;
};

/** Where the client's own files are, and how long to wait for another process that changes them. */
export type Home = {
  /** `$LAND_HOME`, absolute. */
  landHome: string;
  /** The running command, told to those who wait. */
  command: string;
  lockTimeoutMs: number;
  now: () => Date;
};

/** What the file says of an account: its token, or that the keychain of the system has it. */
export type CredentialEntry = Credential | { user: string; keychain: true };

/** The entries of `$LAND_HOME/credentials.json`. Each verb throws `credentials_invalid` rather than lose what it cannot read. */
export type CredentialEntries = {
  read: (registry: RegistryUrl) => Promise<CredentialEntry | undefined>;
  write: (registry: RegistryUrl, entry: CredentialEntry) => Promise<void>;
  /** What was there. */
  remove: (registry: RegistryUrl) => Promise<CredentialEntry | undefined>;
  /** The registries that there is an account at, sorted; what is no address is left out. */
  registries: () => Promise<RegistryUrl[]>;
};

/** The file of accounts, readable by the user alone. Processes that write at the same time wait. */
export function credentialFile(home: Home): CredentialEntries {
  const path = join(home.landHome, "credentials.json");
  const change = async (edit: (registries: Map<string, unknown>) => boolean): Promise<void> => {
    const lock = await lockHome(home, "credentials");
    try {
      const file = await readFile(path);
      if (!edit(file.registries)) return;
      const registries = Object.fromEntries(
        [...file.registries].toSorted(([a], [b]) => byText(a, b)),
      );
      const text = `${JSON.stringify({ ...file.rest, version: 1, registries }, null, 2)}\n`;
      await writeFileAtomic(path, text, { mode: 0o600 });
    } finally {
      lock.release();
    }
  };
  return {
    async read(registry) {
      const { registries } = await readFile(path);
      return parseEntry(registries.get(registry), path, registry);
    },
    write: (registry, entry) => change((registries) => registries.set(registry, entry).size > 0),
    async remove(registry) {
      let removed: unknown;
      await change((registries) => {
        removed = registries.get(registry);
        return registries.delete(registry);
      });
      // One that is not readable is gone too: that was what was asked for.
      if (removed === undefined) return undefined;
      return isMap(removed) && typeof removed["user"] === "string"
        ? { user: removed["user"], keychain: true }
        : { user: "", keychain: true };
    },
    async registries() {
      const { registries } = await readFile(path);
      return [...registries.keys()].filter(isRegistryUrl).toSorted(byText);
    },
  };
}

function isRegistryUrl(text: string): text is RegistryUrl {
  try {
    return parseRegistryUrl(text) === text;
  } catch {
    return false;
  }
}

/** Credentials in the file alone. */
export function fileCredentials(home: Home): Credentials {
  const file = credentialFile(home);
  return {
    async read(registry) {
      const entry = await file.read(registry);
      return entry && "token" in entry ? entry : undefined;
    },
    write: (registry, { user, token }) => file.write(registry, { user, token }),
    remove: async (registry) => (await file.remove(registry)) !== undefined,
  };
}

/** Takes the lock `name` of `$LAND_HOME`, alone. @throws lock_busy */
export async function lockHome(home: Home, name: string): Promise<Lock> {
  const { landHome, command, lockTimeoutMs, now } = home;
  const path = join(landHome, "locks", `${name}.lock`);
  const what = `the ${name} in "${landHome}"`;
  return takeLock(path, { mode: "exclusive", what, command, timeoutMs: lockTimeoutMs, now });
}

/**
 * The token for a registry: `LAND_TOKEN` where the registry is the one that variable is meant for, else what is stored.
 * `LAND_TOKEN` goes to `LAND_REGISTRY`, or without that to the user's own default, and to no other registry: neither a
 * project nor a lock file can direct it elsewhere.
 *
 * @throws credentials_invalid, name_invalid where LAND_REGISTRY is no address
 */
export async function findToken(
  registry: RegistryUrl,
  from: {
    env: Readonly<Record<string, string | undefined>>;
    /** The default registry of the user's own configuration. */
    userDefault: RegistryUrl;
    credentials: Credentials;
  },
): Promise<{ token: string; from: "environment" | "store"; user?: string } | undefined> {
  const token = from.env["LAND_TOKEN"]?.trim();
  const named = from.env["LAND_REGISTRY"]?.trim();
  if (token && registry === (named ? parseRegistryUrl(named) : from.userDefault))
    return { token, from: "environment" };
  const stored = await from.credentials.read(registry);
  return stored && { token: stored.token, from: "store", user: stored.user };
}

type CredentialFile = { registries: Map<string, unknown>; rest: JsonMap };

async function readFile(path: string): Promise<CredentialFile> {
  const text = await readTextIfAny(path);
  if (text === undefined) return { registries: new Map(), rest: {} };
  const read = readJson(text);
  if ("problem" in read) throw fail("credentials_invalid", { path, problem: `it ${read.problem}` });
  if (!isMap(read.value)) throw fail("credentials_invalid", { path, problem: "it is no object" });
  const { version, registries, ...rest } = read.value;
  if (version !== 1)
    throw fail("credentials_invalid", { path, problem: "its version is not known to this land" });
  if (!isMap(registries))
    throw fail("credentials_invalid", { path, problem: '"registries" is no object' });
  return { registries: new Map(Object.entries(registries)), rest };
}

function parseEntry(value: unknown, path: string, registry: string): CredentialEntry | undefined {
  if (value === undefined) return undefined;
  if (isMap(value) && typeof value["user"] === "string") {
    const { user, token, keychain } = value;
    if (typeof token === "string") return { user, token };
    if (keychain === true) return { user, keychain };
  }
  throw fail("credentials_invalid", { path, problem: `the entry of ${registry} is not readable` });
}
