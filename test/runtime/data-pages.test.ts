import { afterEach, beforeEach, expect, test } from "bun:test";

import { Window } from "happy-dom";

import { PASSWORD } from "#test/support/people.ts";

import { type DataWorld, openDataWorld } from "./data-world.ts";

let world: DataWorld;
let cookie = "";
beforeEach(async () => {
  world = await openDataWorld();
  cookie = "";
  const login = await get("/login");
  await send(login, "/login", { username: "ada", password: PASSWORD });
});
afterEach(() => world[Symbol.asyncDispose]());

type Page = { status: number; text: string; document: Window["document"]; location: string | null };
/** Where the server says that it is: what a form's Origin must be. */
const HOME = "http://127.0.0.1:5263";

async function ask(path: string, init: RequestInit = {}): Promise<Page> {
  const answer = await fetch(world.url + path, {
    redirect: "manual",
    ...init,
    headers: { accept: "text/html", host: new URL(HOME).host, origin: HOME, cookie },
  });
  for (const line of answer.headers.getSetCookie()) cookie = line.split(";", 1)[0] ?? "";
  const text = await answer.text();
  const { document } = new Window();
  document.write(text);
  return { status: answer.status, text, document, location: answer.headers.get("location") };
}
const get = (path: string): Promise<Page> => ask(path);

/** Sends the page's form of that action with its hidden fields, as a browser would. */
function send(
  page: Page,
  action: string,
  fields: Record<string, string>,
  among = "",
): Promise<Page> {
  const form = [...page.document.querySelectorAll(`form[method=post][action="${action}"]`)].find(
    (one) => one.innerHTML.includes(among),
  );
  if (!form) throw new Error(`the page has no form ${action}`);
  const body = new URLSearchParams(fields);
  for (const one of form.querySelectorAll("input[type=hidden]"))
    body.append(one.getAttribute("name") ?? "", one.getAttribute("value") ?? "");
  return ask(action, { method: "POST", body });
}

const say = (page: Page): string => page.document.body.textContent ?? "";

test("the key-value store is looked through, written and cleared without a script", async () => {
  const empty = await get("/sites/blog/kv");
  expect([empty.status, say(empty).includes("No keys")]).toEqual([200, true]);
  const written = await send(empty, "/sites/blog/kv", {
    key: "user:<b>1</b>",
    value: "one\r\ntwo",
    ttl: "",
  });
  expect([written.status, written.location]).toEqual([
    303,
    "/sites/blog/kv/entry?key=user%3A%3Cb%3E1%3C%2Fb%3E&done=kv-set",
  ]);
  const shown = await get(written.location ?? "");
  expect(shown.document.querySelector("textarea")?.textContent).toBe("one\ntwo");
  expect(shown.text).not.toContain("<b>1</b>");
  const edited = await send(shown, "/sites/blog/kv", { value: "three", ttl: "90" });
  expect(edited.status).toBe(303);
  const entry = await world.kv.of(1).get("user:<b>1</b>");
  expect(Buffer.from(entry?.value ?? []).toString()).toBe("three");
  // The page is of an older value now.
  const stale = await send(shown, "/sites/blog/kv", { value: "four", ttl: "" });
  expect([stale.status, stale.text.includes("it is not as"), stale.text.includes("four")]).toEqual([
    412,
    true,
    true,
  ]);
  const wrong = await send(empty, "/sites/blog/kv", { key: "k", value: "kept", ttl: "soon" });
  expect([
    wrong.status,
    wrong.text.includes("use a number of seconds"),
    wrong.text.includes("kept"),
  ]).toEqual([422, true, true]);
  for (let n = 0; n < 60; n += 1)
    await world.kv.of(1).put({ key: `k${n}`, value: Buffer.from([0, n]) });
  const first = await get("/sites/blog/kv?prefix=k");
  const next = await get(first.document.querySelector("a[rel=next]")?.getAttribute("href") ?? "");
  const rows = (page: Page): number => page.document.querySelectorAll("tbody tr").length;
  expect([rows(first), rows(next)]).toEqual([50, 10]);
  expect(say(await get("/sites/blog/kv/entry?key=k1"))).toContain("The value is no short text");
  const gone = await send(first, "/sites/blog/kv/delete", {}, 'value="k1"');
  expect([gone.status, await world.kv.of(1).get("k1")]).toEqual([303, undefined]);
  expect((await get("/sites/blog/kv/entry?key=k1")).status).toBe(404);
});

test("variables and secrets are set, imported and removed without a script", async () => {
  const empty = await get("/sites/blog/env");
  expect([empty.status, say(empty).includes("No variables or secrets")]).toEqual([200, true]);
  const set = await send(empty, "/sites/blog/env", { key: "TOKEN", value: "hush", kind: "secret" });
  expect(set.location).toBe("/sites/blog/env?done=env-set");
  await send(empty, "/sites/blog/env/import", { text: "A=1\r\nB=two words", kind: "variable" });
  const page = await get("/sites/blog/env");
  expect(page.text).not.toContain("hush");
  expect(
    [...page.document.querySelectorAll("tbody tr")].map(
      (row) => row.querySelector("td")?.textContent,
    ),
  ).toEqual(["1", "two words", "secret"]);
  const wrong = await send(page, "/sites/blog/env", { key: "KV", value: "hush", kind: "secret" });
  expect([
    wrong.status,
    wrong.text.includes("hush"),
    wrong.text.includes("is kept for what land itself gives"),
  ]).toEqual([422, false, true]);
  const refused = await send(page, "/sites/blog/env/import", { text: "A=1\nhush" });
  expect([refused.status, refused.text.includes("hush"), refused.text.includes("line 2")]).toEqual([
    422,
    false,
    true,
  ]);
  expect((await send(page, "/sites/blog/env/unset", {}, 'value="A"')).status).toBe(303);
  expect(say(await get("/sites/blog/env"))).not.toContain("two wordsA");
  const foreign = await fetch(`${world.url}/sites/blog/env`, {
    method: "POST",
    headers: { cookie, origin: "http://evil.example", host: new URL(HOME).host },
    body: new URLSearchParams({ key: "A", value: "1" }),
  });
  expect(foreign.status).toBe(403);
});
