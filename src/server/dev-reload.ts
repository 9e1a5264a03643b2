import { prefersHtml } from "#http/accept.ts";
import { OWN_FOLDER } from "#sites/addresses.ts";
import { PLAIN_PAGE_HEADERS } from "#sites/serving/serve-pages.tsx";

import script from "./dev-script.js" with { type: "text" };

/** Pages that follow the folder. */
export type Reload = {
  /** The stream of builds for one page, which begins with the present one. */
  follow: () => Response;
  /** The script of a page. It knows which build it belongs to. */
  script: () => Response;
  /** Tells pages that there is another build. `css`: nothing but these stylesheets changed, by path. */
  tell: (id: string, css: readonly string[] | undefined) => void;
  /** Ends all streams. */
  stop: () => void;
};

/** Where pages find what `land dev` adds. No deploy has a path like these. */
export const RELOAD_PATH = `/${OWN_FOLDER}/reload`;
/** @see RELOAD_PATH */
export const SCRIPT_PATH = `${RELOAD_PATH}.js`;

const TAG = Buffer.from(`<script src="${SCRIPT_PATH}"></script>`);
const HEARTBEAT_MS = 15_000;
const encoder = new TextEncoder();

/** Makes it for the build `first`. */
export function createReload(first: string): Reload {
  let current = first;
  const pages = new Set<ReadableStreamDefaultController<Uint8Array>>();
  const send = (text: string): void => {
    const bytes = encoder.encode(text);
    for (const page of pages) page.enqueue(bytes);
  };
  const heartbeat = setInterval(() => send(": still here\n\n"), HEARTBEAT_MS);
  heartbeat.unref();
  return {
    follow() {
      let own: ReadableStreamDefaultController<Uint8Array> | undefined;
      const stream = new ReadableStream<Uint8Array>({
        start(controller) {
          own = controller;
          pages.add(controller);
          controller.enqueue(encoder.encode(`retry: 500\n${eventOf({ id: current })}`));
        },
        cancel() {
          if (own) pages.delete(own);
        },
      });
      return new Response(stream, {
        headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
      });
    },
    script: () =>
      new Response(script.replace("LAND_BUILD", current), {
        headers: {
          "content-type": "text/javascript; charset=utf-8",
          "cache-control": "no-store",
          "x-content-type-options": "nosniff",
        },
      }),
    tell(id, css) {
      const from = current;
      current = id;
      send(eventOf({ id, from, ...(css && { css }) }));
    },
    stop() {
      clearInterval(heartbeat);
      for (const page of pages) page.close();
      pages.clear();
    },
  };
}

function eventOf(data: Record<string, unknown>): string {
  return `event: build\ndata: ${JSON.stringify(data)}\n\n`;
}

/** A document with the script at the end of its body. One in UTF-16 stays as it is. */
export function withScript(document: Buffer): Buffer {
  const mark = document.length > 1 ? document.readUInt16BE(0) : 0;
  if (mark === 0xfeff || mark === 0xfffe) return document;
  // One byte, one character: places in the text are places in the bytes.
  const at = document.toString("latin1").toLowerCase().lastIndexOf("</body");
  const end = at === -1 ? document.length : at;
  return Buffer.concat([document.subarray(0, end), TAG, document.subarray(end)]);
}

/** The answer, with the script where it is a page of the server's own, as those are no files. */
export async function withScriptInOwnPage(request: Request, response: Response): Promise<Response> {
  const { headers, status } = response;
  const policy = headers.get("content-security-policy");
  if (policy === null || policy !== PLAIN_PAGE_HEADERS["content-security-policy"]) return response;
  const own = new Headers(headers);
  own.set("content-security-policy", `${policy}; script-src 'self'; connect-src 'self'`);
  const length = Number(headers.get("content-length")) + TAG.length;
  own.set("content-length", String(length));
  if (request.method === "HEAD") return new Response(null, { status, headers: own });
  const document = withScript(Buffer.from(await response.arrayBuffer()));
  return new Response(new Uint8Array(document), { status, headers: own });
}

/**
 * The answer of a program, with the script at its end where it is a page that a browser shows. What a script of a page asks for
 * stays as it is.
 */
export function withScriptInProgramPage(request: Request, response: Response): Response {
  const { headers, status, statusText, body } = response;
  const type = headers.get("content-type") ?? "";
  if (body === null || !/^text\/html\b(?!.*charset="?utf-16)/i.test(type)) return response;
  if (headers.has("content-encoding") || !isNavigation(request)) return response;
  const own = new Headers(headers);
  const length = headers.get("content-length");
  if (length !== null) own.set("content-length", String(Number(length) + TAG.length));
  const stream = body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      flush: (controller) => controller.enqueue(new Uint8Array(TAG)),
    }),
  );
  return new Response(stream, { status, statusText, headers: own });
}

/** Whether a browser is to show the answer; older ones do not tell, but take pages first. @see https://www.w3.org/TR/fetch-metadata/ */
function isNavigation({ headers }: Request): boolean {
  const target = headers.get("sec-fetch-dest");
  if (target === null) return prefersHtml(headers.get("accept"));
  return ["document", "iframe", "frame"].includes(target);
}

/** Whether a Content-Security-Policy keeps a page from following the folder. @see https://www.w3.org/TR/CSP3/ section 6 */
export function forbidsReload(policies: string): boolean {
  return policies.split(",").some((policy) => {
    const directives = new Map<string, string[]>();
    for (const directive of policy.toLowerCase().split(";")) {
      const [name = "", ...values] = directive.trim().split(/\s+/);
      if (!directives.has(name)) directives.set(name, values);
    }
    const sandbox = directives.get("sandbox");
    if (sandbox && !(sandbox.includes("allow-scripts") && sandbox.includes("allow-same-origin")))
      return true;
    const fallback = directives.get("default-src");
    const scripts = directives.get("script-src-elem") ?? directives.get("script-src") ?? fallback;
    const streams = directives.get("connect-src") ?? fallback;
    return (
      !takesOwn(scripts) || !takesOwn(streams) || scripts?.includes("'strict-dynamic'") === true
    );
  });
}

function takesOwn(sources: readonly string[] | undefined): boolean {
  return sources === undefined || ["'self'", "*", "http:"].some((one) => sources.includes(one));
}
