import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { fail } from "#base/errors.ts";
import { isIpLiteral, parseHost } from "#http/host.ts";
import type { Ctx } from "#store/ctx.ts";
import { readTextIfAny, writeFileAtomic } from "#store/files.ts";

import type { Certificate, CertificateSource } from "./certificate.ts";
import type { Root } from "./dev-authority.ts";

/** The development authority as a source of certificates. */
export type DevSource = CertificateSource & {
  /** The root certificate; who trusts it sees no warnings. */
  rootFile: string;
};

/** What an authority needs to know. */
export type DevOptions = {
  /** Whether a host is ours to serve. Asked each time. */
  knows: (host: string) => Promise<boolean>;
  /** Told how to trust the root. */
  writeErr: (text: string) => void;
  /** Most certificates that are kept in memory. */
  max?: number;
};

const DAY_MS = 86_400_000;
const RENEW_MS = 30 * DAY_MS;
/** A root that ends before the certificates it signs is of no use. */
const ROOT_LEFT_MS = 90 * DAY_MS;
const LEAVES_MAX = 1000;

/**
 * Opens the authority of a data folder, which is made the first time: `tls/ca.pem` and `tls/ca.key` in it. Certificates of servers are
 * made when they are asked for and live in memory.
 *
 * @throws config_invalid where the files of the root do not fit together, file_failed
 */
export async function createDevSource(
  ctx: Pick<Ctx, "config" | "log" | "now" | "random">,
  { knows, writeErr, max = LEAVES_MAX }: DevOptions,
): Promise<DevSource> {
  const authority = await import("./dev-authority.ts");
  const rootFile = join(ctx.config.data, "tls", "ca.pem");
  const root = await openRoot(ctx, rootFile, authority);
  /** By host, the one used last at the end. */
  const leaves = new Map<string, Promise<Certificate>>();
  writeErr(
    `https uses certificates of a development authority. Trust ${rootFile}, or try: curl --cacert ${rootFile} …\n`,
  );

  async function make(host: string): Promise<Certificate> {
    const making = { now: ctx.now(), random: ctx.random };
    return authority.makeLeaf(root, namesFor(ctx, host), making);
  }

  async function isFresh(leaf: Promise<Certificate>): Promise<boolean> {
    return (await leaf).notAfter.getTime() - ctx.now().getTime() > RENEW_MS;
  }

  return {
    rootFile,
    async find(host) {
      if (!(await knows(host))) return undefined;
      const cached = leaves.get(host);
      if (cached && (await isFresh(cached))) return cached;
      // Who asked at the same time may have begun a new one meanwhile.
      const begun = leaves.get(host);
      const leaf = begun && begun !== cached ? begun : make(host);
      leaves.delete(host);
      leaves.set(host, leaf);
      leaf.catch(() => leaves.delete(host));
      const [oldest] = leaves.keys();
      if (oldest !== undefined && leaves.size > max) leaves.delete(oldest);
      return leaf;
    },
    stop: () => Promise.resolve(),
  };
}

/** Our own names also stand for this machine's addresses, so that `https://127.0.0.1` works. */
function namesFor({ config }: Pick<Ctx, "config">, host: string): string[] {
  if (host !== config.domain && host !== "localhost") return [host];
  const listening = parseHost(
    config.host.includes(":") ? `[${config.host.replace(/^\[|\]$/g, "")}]` : config.host,
  );
  const bound =
    listening !== undefined && isIpLiteral(listening) && !["0.0.0.0", "[::]"].includes(listening)
      ? [listening]
      : [];
  return [...new Set([host, "localhost", "127.0.0.1", "[::1]", ...bound])];
}

async function openRoot(
  ctx: Pick<Ctx, "log" | "now" | "random">,
  rootFile: string,
  { makeRoot }: typeof import("./dev-authority.ts"),
): Promise<Root> {
  const keyFile = rootFile.replace(/\.pem$/, ".key");
  const certificate = await readTextIfAny(rootFile);
  const key = await readTextIfAny(keyFile);
  if (certificate !== undefined) {
    const root = { certificate, key: key ?? "" };
    const problem = problemOfRoot(root, ctx.now());
    if (problem === undefined) return root;
    // Whoever trusts this root must learn that it changes: only who removes it gets another.
    if (problem === "unreadable")
      throw fail("config_invalid", {
        key: "tls",
        source: rootFile,
        problem: `it is no certificate authority with its key in ${keyFile}; remove both to get a new one`,
      });
    ctx.log.warn("development authority expires, a new one is made", { file: rootFile });
  }
  const root = await makeRoot({ now: ctx.now(), random: ctx.random });
  await mkdir(join(rootFile, ".."), { recursive: true, mode: 0o700 });
  // The key first: a certificate without its key would have to be removed by hand.
  await writeFileAtomic(keyFile, root.key, { mode: 0o600 });
  await writeFileAtomic(rootFile, root.certificate, { mode: 0o644 });
  return root;
}

function problemOfRoot(root: Root, now: Date): "unreadable" | "expired" | undefined {
  try {
    const certificate = new X509Certificate(root.certificate);
    if (!certificate.ca || !certificate.checkPrivateKey(createPrivateKey(root.key)))
      return "unreadable";
    const leftMs = Date.parse(certificate.validTo) - now.getTime();
    return leftMs < ROOT_LEFT_MS ? "expired" : undefined;
  } catch {
    return "unreadable";
  }
}
