import { timingSafeEqual } from "node:crypto";

/** Who may come in: whoever came once by the secret address, from then on by a cookie. */
export type Door = {
  /** The path of the address that lets somebody in. */
  entrance: string;
  /** What is wrong with a request before anything of it is looked at; undefined: nothing. */
  refuse: (request: Request) => Response | undefined;
  /** The answer to the secret address; undefined where the request is none to it. */
  enter: (request: Request) => Response | undefined;
  isInside: (request: Request) => boolean;
  /** Bound to the cookie; each form carries it. */
  csrf: string;
  isOurs: (csrf: string) => boolean;
};

/**
 * Makes the door of a server on `port`. Requests for other hosts are refused, since a name that leads here (DNS rebinding) would
 * make its pages part of ours; forms of other origins are, too.
 */
export function createDoor(port: number, random: (bytes: number) => Uint8Array): Door {
  const word = (): string => Buffer.from(random(24)).toString("base64url");
  const [secret, session, csrf] = [word(), word(), word()];
  const cookie = `land_ui_${port}`;
  const hosts = new Set([`127.0.0.1:${port}`, `localhost:${port}`]);
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
    enter(request) {
      const url = new URL(request.url);
      if (url.pathname !== "/enter") return undefined;
      if (isUsed || !equals(url.searchParams.get("secret") ?? "", secret))
        return plain(403, "This address counted once. Run `land ui` again for another.");
      isUsed = true;
      return new Response(null, {
        status: 303,
        headers: {
          location: "/",
          "cache-control": "no-store",
          "referrer-policy": "no-referrer",
          "set-cookie": `${cookie}=${session}; HttpOnly; SameSite=Strict; Path=/`,
        },
      });
    },
    isInside(request) {
      const sent = request.headers.get("cookie") ?? "";
      const found = sent.split(/; */).find((item) => item.startsWith(`${cookie}=`));
      return found !== undefined && equals(found.slice(cookie.length + 1), session);
    },
  };
}

/** A short answer without a page. */
export function plain(status: number, text: string): Response {
  return new Response(`${text}\n`, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" },
  });
}

function equals(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}
