/**
 * `test/ui` holds `land ui` against what others may send it, and its pages against what commands may tell.
 * Only tests call this. It must never run a real command.
 */
import type { Invoke, RunningUi, Told, UiOptions } from "#ui/model.ts";
import { startUi } from "#ui/server.tsx";

/** A command that left this value. */
export function told(value: unknown, isGood = true, warnings: string[] = []): Told {
  return { ok: true, value, isGood, warnings };
}

/** A browser that keeps its cookie and follows nothing by itself. */
export type Visitor = {
  /** Where all pages are: `http://127.0.0.1:1234/Xy…/`. */
  place: string;
  cookie: string;
  csrf: string;
  get: (path: string, headers?: Record<string, string>) => Promise<Response>;
  /** Sends a form of ours. */
  post: (
    path: string,
    fields: Record<string, string>,
    headers?: Record<string, string>,
  ) => Promise<Response>;
  /** Begins an act and answers its page once it has ended. */
  act: (fields: Record<string, string>) => Promise<{ id: string; html: string }>;
};

/** Pages over commands that a test makes up. */
export type TestUi = AsyncDisposable &
  RunningUi & { calls: (readonly string[])[]; enter: () => Promise<Visitor> };

/** Starts them. `known` are the projects. */
export function testUi(
  options: Partial<Omit<UiOptions, "projects">> & { known?: readonly string[] } = {},
): TestUi {
  const { known = [], invoke = async () => told({}), ...rest } = options;
  const calls: (readonly string[])[] = [];
  const noted: Invoke = (argv, about) => {
    calls.push(argv);
    return invoke(argv, about);
  };
  const running = startUi({
    version: "1.2.3",
    landHome: "/nowhere/.land",
    projects: async () => known.map((dir) => ({ dir, lastUsedAt: "2026-01-02T03:04:05.000Z" })),
    forget: async () => undefined,
    accounts: async () => [],
    port: 0,
    uid: undefined,
    now: () => new Date("2026-01-02T04:00:00.000Z"),
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    ...rest,
    invoke: noted,
  });
  return {
    ...running,
    calls,
    enter: () => enter(running.url),
    [Symbol.asyncDispose]: running.stop,
  };
}

async function enter(url: string): Promise<Visitor> {
  const answer = await fetch(url, { redirect: "manual" });
  const cookie = answer.headers.get("set-cookie")?.split(";", 1)[0] ?? "";
  const way = /url=(\/[\w-]+\/)/.exec(await answer.text())?.[1] ?? "";
  const place = new URL(way, url).href;
  const origin = new URL(url).origin;
  const get: Visitor["get"] = (path, headers = {}) =>
    fetch(place + path, { redirect: "manual", headers: { cookie, ...headers } });
  const csrf = /name="csrf" value="([\w-]+)"/.exec(await (await get("")).text())?.[1] ?? "";
  const post: Visitor["post"] = (path, fields, headers = {}) =>
    fetch(place + path, {
      method: "POST",
      redirect: "manual",
      headers: { cookie, origin, ...headers },
      body: new URLSearchParams({ csrf, ...fields }),
    });
  return {
    place,
    cookie,
    csrf,
    get,
    post,
    async act(fields) {
      const begun = await post("act", fields);
      const location = begun.headers.get("location");
      if (location === null) throw new Error(await begun.text());
      const id = location.slice("task?id=".length);
      await (await get(`events?id=${id}`)).text();
      return { id, html: await (await get(location)).text() };
    },
  };
}
