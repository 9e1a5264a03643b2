import { join } from "node:path";

import { isMap, readJson } from "#pack/json.ts";
import { readTextIfAny, writeFileAtomic } from "#store/files.ts";

/** Where a system keeps secrets. Any verb may throw, or never end. */
export type Keychain = {
  /** `linux`, `darwin`, `win32`, … */
  platform: string;
  get: (service: string, name: string) => Promise<string | null>;
  set: (service: string, name: string, value: string) => Promise<void>;
  /** Whether there was one. */
  remove: (service: string, name: string) => Promise<boolean>;
};

/** The keychain of this system: macOS Keychain, libsecret, Windows Credential Manager. */
export function systemKeychain(platform: string): Keychain {
  return {
    platform,
    get: (service, name) => Bun.secrets.get({ service, name }),
    set: (service, name, value) => Bun.secrets.set({ service, name, value, persist: "local" }),
    remove: (service, name) => Bun.secrets.delete({ service, name }),
  };
}

/** What decides whether a keychain is asked at all. */
export type KeychainSurroundings = {
  keychain: Keychain | undefined;
  /** `credentials.keychain`. */
  enabled: boolean;
  ci: boolean;
  env: Readonly<Record<string, string | undefined>>;
  landHome: string;
  now: () => Date;
};

const PROBE_MS = 2000;
/** A user may have to unlock it first. */
const ANSWER_MS = 30_000;
const REMEMBERED_MS = 7 * 86_400_000;

/**
 * The keychain where it works; undefined where it is turned off, where nobody could unlock it, or where it did not answer the one
 * question that is asked to find out. That answer is kept in `$LAND_HOME/keychain.json` for a week, while session and system are
 * the same. Each verb of what comes out ends within 30 seconds.
 */
export async function openKeychain(about: KeychainSurroundings): Promise<Keychain | undefined> {
  const { keychain, enabled, ci, landHome, now } = about;
  if (!keychain || !enabled || ci) return undefined;
  const session = sessionOf(keychain.platform, about.env);
  if (session === undefined) return undefined;
  const path = join(landHome, "keychain.json");
  const remembered = await readRemembered(path, session, now());
  const works = remembered ?? (await probe(keychain));
  if (remembered === undefined) {
    const text = `${JSON.stringify({ version: 1, session, works, at: now().toISOString() })}\n`;
    // A home that cannot be written only costs asking again.
    await writeFileAtomic(path, text, { mode: 0o600 }).catch(() => undefined);
  }
  return works ? limited(keychain) : undefined;
}

/** What the answer depends on; undefined where there is no session in which a keychain could be open. */
function sessionOf(platform: string, env: KeychainSurroundings["env"]): string | undefined {
  if (platform === "win32") return platform;
  if (platform === "darwin") return env["SSH_CONNECTION"] ? undefined : platform;
  const bus = env["DBUS_SESSION_BUS_ADDRESS"];
  const screen = env["WAYLAND_DISPLAY"] || env["DISPLAY"];
  return bus && screen ? `${platform} ${bus}` : undefined;
}

async function readRemembered(
  path: string,
  session: string,
  now: Date,
): Promise<boolean | undefined> {
  const text = await readTextIfAny(path).catch(() => undefined);
  const read = text === undefined ? undefined : readJson(text);
  if (!read || "problem" in read || !isMap(read.value)) return undefined;
  const { session: before, works, at } = read.value;
  const ageMs = now.getTime() - Date.parse(String(at));
  const holds = before === session && ageMs >= 0 && ageMs < REMEMBERED_MS;
  return holds && typeof works === "boolean" ? works : undefined;
}

async function probe(keychain: Keychain): Promise<boolean> {
  try {
    await within(PROBE_MS, keychain.get("land", "probe"));
    return true;
  } catch {
    return false;
  }
}

function limited(keychain: Keychain): Keychain {
  return {
    platform: keychain.platform,
    get: (service, name) => within(ANSWER_MS, keychain.get(service, name)),
    set: (service, name, value) => within(ANSWER_MS, keychain.set(service, name, value)),
    remove: (service, name) => within(ANSWER_MS, keychain.remove(service, name)),
  };
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, refuse) => {
    timer = setTimeout(() => refuse(new Error("the keychain does not answer")), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
