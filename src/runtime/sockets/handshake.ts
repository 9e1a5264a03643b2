/** What a handshake says of itself. */
export type Handshake = { ok: true; protocol: string } | { ok: false; status: 400 | 426 };

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;

/** Whether a request wants a WebSocket at an address where sites have them: `/ws` and all below. */
export function isSocketRequest({ method, headers, url }: Request): boolean {
  if (method !== "GET" || headers.get("upgrade")?.toLowerCase() !== "websocket") return false;
  const path = /^[a-z]+:\/\/[^/?#]*([^?#]*)/.exec(url)?.[1] ?? "";
  return path === "/ws" || path.startsWith("/ws/");
}

/** Reads a handshake. Of the protocols that are offered, the first is spoken. @see RFC 6455 section 4.2.1 */
export function readHandshake({ headers }: Request): Handshake {
  if (headers.get("sec-websocket-version") !== "13") return { ok: false, status: 426 };
  const upgrades = (headers.get("connection") ?? "")
    .split(",")
    .some((option) => option.trim().toLowerCase() === "upgrade");
  const key = headers.get("sec-websocket-key") ?? "";
  if (!upgrades || !/^[A-Za-z0-9+/]{22}==$/.test(key)) return { ok: false, status: 400 };
  const [protocol = ""] = (headers.get("sec-websocket-protocol") ?? "").split(",", 1);
  const name = protocol.trim();
  if (name !== "" && !TOKEN.test(name)) return { ok: false, status: 400 };
  return { ok: true, protocol: name };
}

/** Where a page stands that opens a socket: its host; `same`: it is the one that is asked. */
export type PageOrigin = { kind: "none" | "same" | "refused" } | { kind: "other"; host: string };

/**
 * Reads the Origin of a handshake. Browsers send it always and send cookies along, whichever page opens the socket: any but the
 * site's own pages would act in the visitor's name. A page by plain http is not one of a site that is asked by https.
 */
export function readOrigin({ headers }: Request, isSecure: boolean): PageOrigin {
  const origin = headers.get("origin");
  if (origin === null) return { kind: "none" };
  const page = URL.parse(origin);
  if (!page || page.origin !== origin) return { kind: "refused" };
  if (page.protocol !== "https:" && (page.protocol !== "http:" || isSecure))
    return { kind: "refused" };
  const asked = URL.parse(`${page.protocol}//${headers.get("host") ?? ""}`);
  if (!asked) return { kind: "refused" };
  if (asked.host === page.host) return { kind: "same" };
  return asked.port === page.port ? { kind: "other", host: page.hostname } : { kind: "refused" };
}
