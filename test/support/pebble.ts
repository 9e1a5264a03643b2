import { join } from "node:path";

import { loadX509 } from "#tls/x509.ts";

import { temporaryFolder } from "./land.ts";

// The order in which two imports are loaded is not kept everywhere.
const {
  BasicConstraintsExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} = await loadX509();

/** Let's Encrypt's test authority, as a process. */
export type Pebble = AsyncDisposable & {
  /** Address of its directory. */
  directory: string;
  /** PEM file of the root of the directory's own certificate. */
  caFile: string;
  /** What it logged so far. */
  log: () => string;
  /** Orders made so far. */
  orders: () => number;
  /** Ends it for good. */
  kill: () => Promise<void>;
};

type PebbleOptions = { httpPort: number; dnsServer: string; rejects?: number };

/** Starts it. It checks HTTP-01 at `httpPort` and asks `dnsServer`; `rejects`: how many percent of nonces it refuses. */
export async function startPebble(options: PebbleOptions): Promise<Pebble> {
  for (let tries = 1; tries <= 3; tries += 1) {
    const pebble = await tryPebble(options);
    if (pebble) return pebble;
  }
  throw new Error("pebble does not start");
}

/** Starts it on a port that was free a moment ago. Undefined where it ended at once. */
async function tryPebble(options: PebbleOptions): Promise<Pebble | undefined> {
  const folder = await temporaryFolder("pebble");
  const caFile = join(folder.path, "certificate.pem");
  await writeServerCertificate(folder.path);
  const port = await freePort();
  const config = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: "",
    certificate: caFile,
    privateKey: join(folder.path, "key.pem"),
    httpPort: options.httpPort,
    tlsPort: options.httpPort,
    ocspResponderURL: "",
    externalAccountBindingRequired: false,
  };
  const path = join(folder.path, "config.json");
  await Bun.write(path, JSON.stringify({ pebble: config }));
  const child = Bun.spawn(["pebble", "-config", path, "-dnsserver", options.dnsServer], {
    env: {
      PATH: process.env["PATH"] ?? "",
      PEBBLE_VA_NOSLEEP: "1",
      PEBBLE_AUTHZREUSE: "0",
      PEBBLE_WFE_NONCEREJECT: String(options.rejects ?? 5),
    },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
  });
  let log = "";
  const decoder = new TextDecoder();
  const logged = (async () => {
    for await (const part of child.stdout) log += decoder.decode(part, { stream: true });
  })();
  const directory = `https://127.0.0.1:${port}/dir`;
  const started = await listening(directory, caFile, child);
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await child.exited;
    await logged;
  };
  if (!started) {
    await folder[Symbol.asyncDispose]();
    return undefined;
  }
  return {
    directory,
    caFile,
    log: () => log,
    orders: () => log.match(/Added order "/g)?.length ?? 0,
    kill,
    async [Symbol.asyncDispose]() {
      await kill();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Writes certificate.pem and key.pem of a server at 127.0.0.1 into a folder. The certificate is its own root. */
export async function writeServerCertificate(folder: string): Promise<void> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=pebble",
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: new Date(Date.now() + 3_600_000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new SubjectAlternativeNameExtension([
        { type: "ip", value: "127.0.0.1" },
        { type: "dns", value: "localhost" },
      ]),
    ],
  });
  const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  await Bun.write(join(folder, "certificate.pem"), certificate.toString("pem"));
  await Bun.write(join(folder, "key.pem"), PemConverter.encode(key, "PRIVATE KEY"));
}

async function freePort(): Promise<number> {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = server;
  server.stop(true);
  return port;
}

/** Resolves when the directory is there. False where the process ends first. */
async function listening(directory: string, caFile: string, child: Bun.Subprocess) {
  const ca = await Bun.file(caFile).text();
  while (child.exitCode === null) {
    // Only this very process has the certificate, whoever else may have got the port.
    const answer = await fetch(directory, { tls: { ca } }).catch(() => undefined);
    if (answer?.ok) return true;
    await Bun.sleep(20);
  }
  return false;
}
