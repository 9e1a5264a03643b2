import "reflect-metadata";

import { connect } from "node:net";
import { join } from "node:path";

import {
  BasicConstraintsExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

import { temporaryFolder } from "./land.ts";

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

/** Starts it. It checks HTTP-01 at `httpPort` and asks `dnsServer`; `rejects`: how many percent of nonces it refuses. */
export async function startPebble(options: {
  httpPort: number;
  dnsServer: string;
  rejects?: number;
}): Promise<Pebble> {
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
  await listening(port, child.exited);
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await child.exited;
    await logged;
  };
  return {
    directory: `https://127.0.0.1:${port}/dir`,
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

/** Resolves when somebody listens. Fails when `ended` does first. */
async function listening(port: number, ended: Promise<number>): Promise<void> {
  let code: number | undefined;
  void ended.then((value) => (code = value));
  for (;;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => void socket.destroy()).once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
    });
    if (open) return;
    if (code !== undefined) throw new Error(`pebble ended with ${code}`);
    await Bun.sleep(20);
  }
}
