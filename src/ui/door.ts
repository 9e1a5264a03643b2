import { timingSafeEqual } from "node:crypto";

/** Who may come in: whoever came once by the secret address, from then on by a cookie. */
export type Door = {
  /** The path of the address that lets somebody in. */
  entrance: string;
  /** What is wrong with a request before anything of it is looked at; undefined: nothing. */
  refuse: (request: Request) => Response | undefined;
  /** The answer to the secret address; undefined where the request is none to it. `isOurs` tells whether one of us asks. */
  enter: (request: Request, isOurs: () => Promise<boolean>) => Promise<Response | undefined>;
  /** What of the pages a request wants: "" for the first one; undefined for somebody who is not inside. */
  wanted: (request: Request) => string | undefined;
  /** Bound to the cookie; each form carries it. */
  csrf: string;
  isOurs: (csrf: string) => boolean;
};

/**
 * Makes the door of a server on `port`. Requests for other hosts are refused, since a name that leads here (DNS rebinding) would
 * make its pages part of ours; forms of other origins are, too.
 *
 * All pages are below a path that nobody can guess, and the cookie is for that path alone: browsers send cookies to every port of
 * a host, also to one where another user of this machine listens.
 *
 * @see RFC 6265, 8.5: cookies do not provide isolation by port
 */
export function createDoor(port: number, random: (bytes: number) => Uint8Array): Door {
  const word = (): string => Buffer.from(random(24)).toString("base64url");
  const [secret, session, csrf, place] = [word(), word(), word(), word()];
  const cookie = `land_ui_${port}`;
  const names = ["127.0.0.1", "localhost"];
  // Browsers leave the usual port out.
  const hosts = new Set([...names.map((name) => `${name}:${port}`), ...(port === 80 ? names : [])]);
  let isUsed = false;
  return {
    entrance: `/enter?secret=${secret}`,
    csrf,
    isOurs: (given) => equals(given, csrf),
    refuse(request) {
      const host = request.headers.get("host") ?? "";
      if (!hosts.has(host)) return plain(421, "This is the page of land on this machine alone.");
      if (request.method === "GET" || request.method === "HEAD") return undefined;
      if (request.method !== "POST") return plain(405, "This address takes GET and POST.");
      return request.headers.get("origin") === `http://${host}`
        ? undefined
        : plain(403, "This form is not one of ours.");
    },
    async enter(request, isOurs) {
      const url = new URL(request.url);
      if (url.pathname !== "/enter") return undefined;
      if (request.method !== "GET" || request.headers.has("sec-purpose"))
        return plain(405, "This address is to be opened.");
      const isRight = equals(url.searchParams.get("secret") ?? "", secret);
      if (isUsed || !isRight)
        return plain(403, "This address counted once. Run `land ui` again for another.");
      if (!(await isOurs())) return plain(403, "This is the page of another user.");
      if (isUsed) return plain(403, "This address counted once.");
      isUsed = true;
      return welcome(place, `${cookie}=${session}; HttpOnly; SameSite=Strict; Path=/${place}/`);
    },
    wanted(request) {
      const [, first = "", ...rest] = new URL(request.url).pathname.split("/");
      const site = request.headers.get("sec-fetch-site") ?? "none";
      const sent = request.headers.get("cookie") ?? "";
      const found = sent.split(/; */).find((item) => item.startsWith(`${cookie}=`)) ?? "";
      const isInside =
        equals(first, place) &&
        equals(found.slice(cookie.length + 1), session) &&
        (site === "none" || site === "same-origin");
      return isInside && rest.length === 1 ? rest[0] : undefined;
    },
  };
}

/** A page that leads on by itself: a redirect would still belong to whatever opened the address, and a strict cookie stays out of that. */
function welcome(place: string, cookie: string): Response {
  const body = `<!doctype html><html lang="en"><title>land</title><meta http-equiv="refresh" content="0;url=/${place}/"><p><a href="/${place}/">Go on to land</a></p></html>\n`;
  return new Response(body, {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "set-cookie": cookie,
    },
  });
}

/** A short answer without a page. */
export function plain(status: number, text: string): Response {
  return new Response(`${text}\n`, {
    status,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    },
  });
}

function equals(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}
