import { isLoopbackHost } from "#base/config.ts";
import { fail } from "#base/errors.ts";

/** A proxy, and how it is told of: without its password. */
export type Proxy = { url: string; shown: string };

/** What is known of proxies. */
export type ProxySettings = {
  /** Address of a proxy; empty: the usual variables of `env` count. */
  proxy: string;
  /** Hosts that are asked without it; empty: `NO_PROXY` counts. */
  noProxy: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
};

/** In a list of hosts: those of this machine go through the proxy too, as Chromium writes it. */
const LOOPBACK_TOO = "<-loopback>";

/**
 * Tells which proxy a request to an address goes through; undefined: none. Hosts of this machine never do, unless
 * `<-loopback>` stands in the list of exceptions.
 *
 * @throws config_invalid where a variable names a proxy that land cannot speak to
 */
export function createProxyChoice(settings: ProxySettings): (url: string) => Proxy | undefined {
  const { proxy, noProxy, env } = settings;
  const listed = noProxy.length > 0 ? noProxy : namesIn(variable(env, "NO_PROXY")?.text ?? "");
  const rules = listed.filter((rule) => rule !== LOOPBACK_TOO).map(parseRule);
  const spareLoopback = !listed.includes(LOOPBACK_TOO);
  return (address) => {
    const url = new URL(address);
    const host = bare(url.hostname);
    if (spareLoopback && (isLoopbackHost(host) || host.endsWith(".localhost"))) return undefined;
    const port = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
    if (rules.some((rule) => rule(host, port))) return undefined;
    if (proxy !== "") return readProxy(proxy, "network.proxy");
    const named = proxyVariable(env, url.protocol === "https:");
    return named && readProxy(named.text, named.name);
  };
}

type Variable = { name: string; text: string };

/** Small letters first, as curl has it. */
function variable(env: ProxySettings["env"], name: string): Variable | undefined {
  for (const spelled of [name.toLowerCase(), name]) {
    const text = env[spelled]?.trim();
    if (text) return { name: spelled, text };
  }
  return undefined;
}

function proxyVariable(env: ProxySettings["env"], secure: boolean): Variable | undefined {
  if (secure) return variable(env, "HTTPS_PROXY") ?? variable(env, "ALL_PROXY");
  const http = variable(env, "HTTP_PROXY");
  // Under CGI that variable is a header which a visitor sent. See https://httpoxy.org
  const foreign = http?.name === "HTTP_PROXY" && env["REQUEST_METHOD"] !== undefined;
  return foreign ? variable(env, "ALL_PROXY") : (http ?? variable(env, "ALL_PROXY"));
}

/** @throws config_invalid: to go without a proxy that somebody named would tell the network what it was to hide */
function readProxy(text: string, source: string): Proxy {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (!url || !/^https?:$/.test(url.protocol) || url.hostname === "")
    throw fail("config_invalid", {
      key: "the proxy",
      source,
      problem: "land speaks to http:// and https:// proxies; name one in network.proxy",
    });
  const shown = `${url.protocol}//${url.host}`;
  const user = url.username === "" ? "" : `${url.username}:${url.password}@`;
  return { url: `${url.protocol}//${user}${url.host}`, shown };
}

type Rule = (host: string, port: number) => boolean;

function namesIn(text: string): string[] {
  return text.split(/[\s,]+/).filter((name) => name !== "");
}

/** `*`, `example.com` and `.example.com` with all below, `*.example.com`, `10.0.0.0/8`, `[::1]:8080`. */
function parseRule(text: string): Rule {
  if (text === "*") return () => true;
  const network = /^\[?([^\]/]+)\]?\/(\d{1,3})$/.exec(text);
  if (network) return networkRule(network[1] ?? "", Number(network[2]));
  const isAddress = parseAddress(bare(text)) !== undefined;
  const found = isAddress ? undefined : /^(.*):(\d{1,5})$/.exec(text);
  const only = found ? Number(found[2]) : undefined;
  const name = bare((found?.[1] ?? text).toLowerCase())
    .replace(/^\*?\./, "")
    .replace(/\.$/, "");
  return (host, port) => {
    if (name === "" || (only !== undefined && only !== port)) return false;
    const own = host.replace(/\.$/, "");
    return own === name || (!isAddress && own.endsWith(`.${name}`));
  };
}

function networkRule(text: string, prefix: number): Rule {
  const network = parseAddress(text);
  if (!network || prefix > network.size) return () => false;
  const shift = BigInt(network.size - prefix);
  return (host) => {
    const address = parseAddress(host);
    return address?.size === network.size && address.bits >> shift === network.bits >> shift;
  };
}

/** An address of IPv4 or IPv6 as a number; undefined for a name. Read here: to load `node:net` alone takes 20 ms. */
function parseAddress(text: string): { bits: bigint; size: number } | undefined {
  const host = URL.parse(`http://${text.includes(":") ? `[${text}]` : text}`)?.hostname ?? "";
  if (/^\d+(?:\.\d+){3}$/.test(host)) return { bits: joinBits(host.split("."), 10, 8n), size: 32 };
  if (!host.startsWith("[")) return undefined;
  const [left = [], right = []] = bare(host)
    .split("::")
    .map((half) => half.split(":").filter((group) => group !== ""));
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => "0");
  return { bits: joinBits([...left, ...zeros, ...right], 16, 16n), size: 128 };
}

function joinBits(parts: readonly string[], radix: number, width: bigint): bigint {
  return parts.reduce((bits, part) => (bits << width) | BigInt(Number.parseInt(part, radix)), 0n);
}

function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}
