/**
 * `test/web` holds the tests of the website; this file is its browser without scripts.
 * The tests of routes call it. It must never reach past the server's request path.
 */
import { Window } from "happy-dom";

import { createRateLimiter } from "#http/rate.ts";
import { createApp } from "#server/app.ts";
import { createHandler } from "#server/handle.ts";
import type { Ctx } from "#store/ctx.ts";
import { plainAnswer, testFunctions } from "#test/support/runtime.ts";

/** Where the server says that it is. */
export const HOME = "http://127.0.0.1:5263";

/** An answer read to its end. */
export type Answer = {
  status: number;
  headers: Headers;
  text: string;
  document: Window["document"];
};
/** A browser without scripts. */
export type Visitor = {
  get: (path: string, headers?: Record<string, string>) => Promise<Answer>;
  /** Sends the page's form of that action with its hidden fields, as a browser would. */
  send: (
    page: Answer,
    action: string,
    fields: Record<string, string>,
    headers?: Record<string, string>,
  ) => Promise<Answer>;
  cookies: Map<string, string>;
};

/** Opens a browser on a server's request path: it keeps cookies, sends hidden fields and an Origin. */
export function visit(ctx: Ctx): Visitor {
  const handle = createHandler(ctx, {
    app: createApp(ctx, testFunctions(ctx).runtime),
    limiter: createRateLimiter(ctx.now),
    sites: { answer: () => Promise.resolve(undefined) },
    toHttps: () => Promise.resolve(undefined),
  });
  const cookies = new Map<string, string>();
  async function ask(
    path: string,
    init: RequestInit,
    more: Record<string, string>,
  ): Promise<Answer> {
    const headers = new Headers({ accept: "text/html", host: new URL(HOME).host, ...more });
    if (cookies.size > 0)
      headers.set("cookie", [...cookies].map((pair) => pair.join("=")).join("; "));
    const peer = { address: () => "127.0.0.1", secure: false };
    const response = plainAnswer(
      await handle(new Request(HOME + path, { ...init, headers }), peer),
    );
    for (const line of response.headers.getSetCookie()) {
      const [name = "", value = ""] = line.split(";", 1)[0]?.split("=") ?? [];
      if (value === "") cookies.delete(name);
      else cookies.set(name, value);
    }
    const text = await response.text();
    const { document } = new Window();
    document.write(text);
    return { status: response.status, headers: response.headers, text, document };
  }
  return {
    cookies,
    get: (path, headers = {}) => ask(path, {}, headers),
    send(page, action, fields, headers = {}) {
      const form = page.document.querySelector(`form[action="${action}"]`);
      if (!form) throw new Error(`the page has no form ${action}`);
      const body = new URLSearchParams(fields);
      for (const one of form.querySelectorAll("input[type=hidden]"))
        body.append(one.getAttribute("name") ?? "", one.getAttribute("value") ?? "");
      return ask(action, { method: "POST", body }, { origin: HOME, ...headers });
    },
  };
}

/** All text of a page. */
export const say = (page: Answer): string => page.document.body.textContent ?? "";
