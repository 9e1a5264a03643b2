import { type FSWatcher, watch } from "node:fs";
import { realpath } from "node:fs/promises";
import { dirname, resolve } from "node:path";

import { fail } from "#base/errors.ts";
import type { Ctx } from "#store/ctx.ts";

import { type Certificate, type CertificateSource, covers } from "./certificate.ts";
import { type PairFiles, type PairTexts, parsePair, readPair } from "./pair.ts";

/** How files are watched. */
export type FileOptions = {
  /** How often files are read without being told of a change, which symlinks and network disks need, in milliseconds. */
  pollMs?: number;
  /** How long to wait after a change for the second file, in milliseconds. */
  settleMs?: number;
};

type Loaded = {
  files: PairFiles;
  texts: PairTexts;
  certificate: Certificate;
  /** What was wrong with the files the last time; told once. */
  problem: string | undefined;
};

const POLL_MS = 30_000;
const SETTLE_MS = 250;

/**
 * The certificates named in `tls.certificates`; relative paths begin at the data folder. They are read again when files change: a new pair
 * that does not work leaves the old one in place and is logged. An exact name wins over a wildcard, then the certificate
 * that lasts longest.
 *
 * @throws config_invalid naming the file and what is wrong with it
 */
export async function createFileSource(
  ctx: Pick<Ctx, "config" | "log" | "now">,
  { pollMs = POLL_MS, settleMs = SETTLE_MS }: FileOptions = {},
): Promise<CertificateSource> {
  const entries = ctx.config["tls.certificates"].map((entry) => filesOf(entry, ctx.config.data));
  const loaded = await Promise.all(entries.map(load));
  for (const one of loaded) warnOfExpiry(ctx, one);

  async function reload(): Promise<void> {
    for (const one of loaded) await reloadPair(ctx, one);
    await watchers.follow(loaded.map(({ files }) => files));
  }

  let running = Promise.resolve();
  let settling: ReturnType<typeof setTimeout> | undefined;
  const reloadInTurn = (): void => {
    running = running.then(reload).catch((cause: unknown) => {
      ctx.log.error("certificates not read again", { cause });
    });
  };
  const watchers = createWatchers(() => {
    clearTimeout(settling);
    settling = setTimeout(reloadInTurn, settleMs);
  });
  await watchers.follow(entries);
  const poll = setInterval(reloadInTurn, pollMs);
  poll.unref();
  return {
    find: (serverName) => Promise.resolve(choose(loaded, serverName)),
    async stop() {
      clearInterval(poll);
      clearTimeout(settling);
      watchers.close();
      await running;
      watchers.close();
    },
  };
}

function choose(loaded: readonly Loaded[], serverName: string): Certificate | undefined {
  const fitting = loaded
    .map(({ certificate }) => certificate)
    .filter(({ names }) => covers(names, serverName));
  const exact = fitting.filter(({ names }) => names.includes(serverName));
  const among = exact.length > 0 ? exact : fitting;
  return among.toSorted((a, b) => b.notAfter.getTime() - a.notAfter.getTime())[0];
}

function filesOf(entry: string, data: string): PairFiles {
  const [, chain, key] = /^("[^"]+"|\S+)\s+("[^"]+"|\S+)$/.exec(entry.trim()) ?? [];
  if (chain === undefined || key === undefined)
    throw fail("config_invalid", {
      key: "tls.certificates",
      source: "the configuration",
      problem: `"${entry}" is not "<chain.pem> <key.pem>"; put paths with spaces in quotes`,
    });
  const path = (text: string): string => resolve(data, text.replaceAll('"', ""));
  return { chain: path(chain), key: path(key) };
}

async function load(files: PairFiles): Promise<Loaded> {
  const texts = await readPair(files);
  return { files, texts, certificate: parsePair(files, texts), problem: undefined };
}

async function reloadPair(ctx: Pick<Ctx, "log" | "now">, one: Loaded): Promise<void> {
  try {
    const texts = await readPair(one.files);
    if (texts.chain === one.texts.chain && texts.key === one.texts.key) return;
    one.certificate = parsePair(one.files, texts);
    one.texts = texts;
    one.problem = undefined;
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    if (problem !== one.problem)
      ctx.log.warn("certificate not replaced", { file: one.files.chain, problem });
    one.problem = problem;
    return;
  }
  const { names, notAfter } = one.certificate;
  ctx.log.info("certificate replaced", { file: one.files.chain, names, notAfter });
  warnOfExpiry(ctx, one);
}

function warnOfExpiry(
  { log, now }: Pick<Ctx, "log" | "now">,
  { files, certificate }: Loaded,
): void {
  const { names, notAfter } = certificate;
  if (notAfter.getTime() > now().getTime()) return;
  log.warn("certificate expired", { file: files.chain, names, notAfter });
}

type Watchers = {
  /** Watches the folders of these files, and those that symbolic links lead to; no others any more. */
  follow: (pairs: readonly PairFiles[]) => Promise<void>;
  close: () => void;
};

/** Folders are watched, not files: a file that is replaced by another is no longer the watched one. */
function createWatchers(onChange: () => void): Watchers {
  const open = new Map<string, FSWatcher>();
  return {
    async follow(pairs) {
      const folders = new Set<string>();
      for (const path of pairs.flatMap(({ chain, key }) => [chain, key])) {
        folders.add(dirname(path));
        const real = await realpath(path).catch(() => path);
        folders.add(dirname(real));
      }
      for (const [folder, watcher] of open) {
        if (folders.has(folder)) continue;
        watcher.close();
        open.delete(folder);
      }
      for (const folder of folders) {
        if (!open.has(folder)) openWatcher(folder);
      }
    },
    close() {
      for (const watcher of open.values()) watcher.close();
      open.clear();
    },
  };

  function openWatcher(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, onChange);
      // What cannot be watched is polled.
      watcher.on("error", () => {
        watcher.close();
        open.delete(folder);
      });
      open.set(folder, watcher);
    } catch {
      open.delete(folder);
    }
  }
}
