/**
 * `src/server` is composition: it opens the data folder, puts the features behind one request path and listens.
 * Only `commands/serve` and tests call it. It must never hold a rule that belongs to a feature.
 */
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";

import { flushUse } from "#accounts/last-used.ts";
import { loadConfig, type ServerConfig } from "#base/config.ts";
import { createHooks } from "#base/hooks.ts";
import { createLog } from "#base/log.ts";
import type { ConfigKey } from "#base/settings.ts";
import { startDownloadCounter } from "#registry/downloads.ts";
import { openBlobs } from "#store/blobs.ts";
import type { Ctx } from "#store/ctx.ts";
import { openDb } from "#store/db.ts";
import { fileFailed, readTextIfAny, writeFileAtomic } from "#store/files.ts";
import { type Lock, takeLock } from "#store/lock.ts";
import { migrate } from "#store/migrate.ts";

/** What a data folder is opened with. */
export type BootOptions = {
  /** The data folder; made if it is not there. */
  data: string;
  flags: Readonly<Partial<Record<ConfigKey, string>>>;
  env: Readonly<Record<string, string | undefined>>;
  now: () => Date;
  random: (bytes: number) => Uint8Array;
  /** Takes finished log lines. */
  writeLog: (line: string) => void;
};

/** A server whose data folder is open but that does not listen yet. */
export type Booted = {
  ctx: Ctx;
  /** Tells the address in links once it is known. */
  setListening: (origin: string) => void;
  /** Writes down what is buffered, closes the database and gives the data folder free. */
  close: () => Promise<void>;
};

/**
 * Opens a data folder: takes its lock, reads its configuration, migrates its database.
 *
 * @throws lock_busy where another server has it, config_invalid, data_newer, file_failed
 */
export async function boot(options: BootOptions): Promise<Booted> {
  const data = resolve(options.data);
  await makeFolder(data);
  const lock = await takeLock(join(data, "server.lock"), {
    mode: "exclusive",
    what: `the data folder "${data}"`,
    command: "land serve",
    timeoutMs: 0,
    now: options.now,
  });
  try {
    return await open(data, options, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function open(data: string, options: BootOptions, lock: Lock): Promise<Booted> {
  const { env, flags, now, random } = options;
  const toml = await readTextIfAny(join(data, "land.toml"));
  const config = loadConfig({ data, toml, env, flags });
  const log = createLog(config.logLevel, options.writeLog, now);
  const database = join(data, "land.db");
  migrate(database, now);
  const secret = await readSecret(join(data, "secret.key"), random);
  const blobs = await openBlobs(join(data, "blobs"), now);
  const db = openDb(database);
  let listening = addressOf(config, config.port);
  const ctx: Ctx = {
    config,
    db,
    blobs,
    log,
    now,
    random,
    secret,
    hooks: createHooks((event, cause) => log.error("hook failed", { hook: event, cause })),
    publicUrl: () => config.publicUrl.replace(/\/$/, "") || listening,
  };
  const downloads = startDownloadCounter(ctx);
  return {
    ctx,
    setListening: (origin) => void (listening = origin),
    async close() {
      await downloads.stop();
      await flushUse(ctx);
      await db.close();
      lock.release();
    },
  };
}

/** `http://host:port` as a person on this machine would type it. */
export function addressOf(config: ServerConfig, port: number): string {
  const { host, domain } = config;
  const everywhere = host === "0.0.0.0" || host === "::";
  const name = everywhere
    ? domain
    : host.includes(":")
      ? `[${host.replace(/^\[|\]$/g, "")}]`
      : host;
  return `http://${name}${port === 80 ? "" : `:${port}`}`;
}

/** `https://domain:port`: certificates are for names, so the domain it is. */
export function secureAddressOf({ domain }: ServerConfig, port: number): string {
  return `https://${domain}${port === 443 ? "" : `:${port}`}`;
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw fileFailed("make the data folder", path, cause);
  }
}

async function readSecret(path: string, random: BootOptions["random"]): Promise<Uint8Array> {
  const text = await readTextIfAny(path);
  if (text !== undefined && /^[0-9a-f]{64}\n?$/.test(text))
    return new Uint8Array(Buffer.from(text.trim(), "hex"));
  const secret = random(32);
  await writeFileAtomic(path, `${Buffer.from(secret).toString("hex")}\n`, { mode: 0o600 });
  return secret;
}
