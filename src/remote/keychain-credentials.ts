import type { Credential, Credentials, Home } from "./credentials.ts";
import { credentialFile } from "./credentials.ts";
import type { Keychain } from "./keychain.ts";
import type { RegistryUrl } from "./registry-url.ts";

/** What decides where tokens go. */
export type KeychainOptions = {
  /** Asked when a token has to be read, written or removed, and not before. */
  open: () => Promise<Keychain | undefined>;
  /** Told of a token that is kept where it cannot be had. */
  onTrouble: (problem: string) => void;
};

/**
 * Credentials whose tokens are in the keychain of the system where that works, else in `$LAND_HOME/credentials.json`. The file
 * names the accounts either way, so that nobody has to search a keychain. A token is first where it goes to, then no longer where
 * it was.
 */
export function keychainCredentials(home: Home, options: KeychainOptions): Credentials {
  const file = credentialFile(home);
  let opened: Promise<Keychain | undefined> | undefined;
  const open = (): Promise<Keychain | undefined> => (opened ??= options.open());
  const forget = async (registry: RegistryUrl, user: string): Promise<void> => {
    const keychain = await open();
    await keychain?.remove(...itemOf(home, registry, user)).catch(() => false);
  };
  return {
    async read(registry) {
      const entry = await file.read(registry);
      if (!entry || "token" in entry) return entry;
      const { user } = entry;
      const token = await readToken(await open(), itemOf(home, registry, user));
      if (token !== undefined) return { user, token };
      options.onTrouble(
        `The token of ${user} for ${registry} is in the keychain, which does not give it here: run \`land login\`, or set LAND_TOKEN`,
      );
      return undefined;
    },
    async write(registry, credential) {
      const before = await file.read(registry).catch(() => undefined);
      const kept = await keepToken(
        await open(),
        itemOf(home, registry, credential.user),
        credential,
      );
      await file.write(registry, kept ? { user: credential.user, keychain: true } : credential);
      const isOther = before !== undefined && before.user !== credential.user;
      if (isOther || (before && "keychain" in before && !kept)) await forget(registry, before.user);
    },
    async remove(registry) {
      const entry = await file.remove(registry);
      if (entry) await forget(registry, entry.user);
      return entry !== undefined;
    },
  };
}

type Item = [service: string, name: string];

/** Homes share a keychain, and must not share tokens. */
function itemOf({ landHome }: Home, registry: RegistryUrl, user: string): Item {
  const home = new Bun.CryptoHasher("sha256").update(landHome).digest("hex").slice(0, 16);
  const name = `${user} ${registry}`;
  const isLong = name.length > 200;
  return [
    `land ${home}`,
    isLong ? new Bun.CryptoHasher("sha256").update(name).digest("hex") : name,
  ];
}

async function readToken(keychain: Keychain | undefined, item: Item): Promise<string | undefined> {
  const token = await keychain?.get(...item).catch(() => undefined);
  return token ?? undefined;
}

/** Whether the keychain took it, and gives it back. */
async function keepToken(
  keychain: Keychain | undefined,
  item: Item,
  { token }: Credential,
): Promise<boolean> {
  if (!keychain) return false;
  try {
    await keychain.set(...item, token);
    return (await keychain.get(...item)) === token;
  } catch {
    return false;
  }
}
