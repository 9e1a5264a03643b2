import { fail } from "#base/errors.ts";
import { fileFailed } from "#store/files.ts";

import type { Fetch } from "./network.ts";
import { createProxyChoice, type ProxySettings } from "./proxy.ts";

/** How requests leave this machine. One serves a whole command: it owns the connections that are kept open. */
export type Route = {
  fetch: Fetch;
  /** The proxy that an address is asked through, for messages; undefined: none. */
  proxyOf: (url: string) => string | undefined;
  /** Ends when somebody takes a connection for an address: its host, or the proxy on the way. */
  reach: (url: string) => Promise<void>;
};

/** What decides the way. */
export type RouteSettings = ProxySettings & {
  /** File with further certificate authorities (PEM), absolute; empty: none. */
  ca: string;
};

const PORTS: Readonly<Record<string, number>> = { "https:": 443, "http:": 80 };

/**
 * Makes the way out: proxies and authorities by the settings alone, never by what the runtime finds by itself. Https trusts the
 * authorities that come with land, those of the system (with `SSL_CERT_FILE` and `NODE_EXTRA_CA_CERTS`), and those of the file.
 * A request throws config_invalid or file_failed where a setting is wrong.
 */
export function createRoute(settings: RouteSettings): Route {
  const proxyFor = createProxyChoice(settings);
  let plain: Bun.FetchSession | undefined;
  let secure: Promise<{ session: Bun.FetchSession; ca: string[] }> | undefined;
  const openSecure = async () => {
    const ca = [...(await systemAuthorities()), ...(await readAuthorities(settings.ca))];
    return { ca, session: new Bun.FetchSession({ tls: { ca } }) };
  };
  return {
    async fetch(url, init) {
      const proxy = proxyFor(url);
      const needsTls = url.startsWith("https:") || proxy?.url.startsWith("https:") === true;
      const tls = needsTls ? await (secure ??= openSecure()) : undefined;
      return fetch(url, {
        ...init,
        // Bun's own limit of 5 minutes would end a long upload that moves.
        timeout: false,
        session: tls?.session ?? (plain ??= new Bun.FetchSession()),
        proxy: proxy
          ? {
              url: proxy.url,
              respectNoProxy: false,
              ...(tls && proxy.url.startsWith("https:") && { tls: { ca: tls.ca } }),
            }
          : false,
      });
    },
    proxyOf: (url) => proxyFor(url)?.shown,
    reach: (url) => connectTo(new URL(proxyFor(url)?.url ?? url)),
  };
}

async function connectTo({ hostname, port, protocol }: URL): Promise<void> {
  const socket = await Bun.connect({
    hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(port) || (PORTS[protocol] ?? 80),
    socket: { data: () => undefined },
  });
  socket.terminate();
}

/** Loaded only where there is https: it takes longer than all else at our start. */
async function systemAuthorities(): Promise<string[]> {
  const { getCACertificates } = await import("node:tls");
  return [...new Set([...getCACertificates("default"), ...getCACertificates("system")])];
}

/** The certificates of a PEM file. @throws config_invalid, file_failed */
async function readAuthorities(path: string): Promise<string[]> {
  if (path === "") return [];
  const text = await Bun.file(path)
    .text()
    .catch((cause: unknown) => {
      throw fileFailed("read", path, cause);
    });
  const { X509Certificate } = await import("node:crypto");
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    for (const certificate of found) void new X509Certificate(certificate);
    if (found.length > 0) return found;
  } catch {
    // As where there is none.
  }
  const problem = "it holds no certificates in PEM form, or one that is not readable";
  throw fail("config_invalid", { key: "network.ca", source: path, problem });
}
