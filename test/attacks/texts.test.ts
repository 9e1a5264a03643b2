import { afterAll, beforeAll, expect, test } from "bun:test";

import { goodArchive } from "#fixtures/archives.ts";

import { formOf } from "../registry/api.ts";
import { type TestServer, testServer } from "../support/server.ts";

let server: TestServer;
let token = "";
beforeAll(async () => {
  server = await testServer({ LAND_RATE_LIMIT: "off" });
  token = await server.register("ada");
});
afterAll(() => server[Symbol.asyncDispose]());

type About = Parameters<typeof formOf>[0];
const publish = (about: About, spoil: (form: FormData) => void = () => undefined) => {
  const form = formOf(about);
  spoil(form);
  const headers = { authorization: `Bearer ${token}` };
  return fetch(`${server.url}/api/v1/packages`, { method: "POST", headers, body: form });
};
const pageOf = async (path: string): Promise<{ status: number; text: string }> => {
  const answer = await fetch(server.url + path, { headers: { accept: "text/html" } });
  return { status: answer.status, text: await answer.text() };
};

test("half a character cut from a keyword or sent as one breaks no page", async () => {
  const keywords = [`${"k".repeat(99)}\u{1F600}`, "ok"];
  const description = `${"d".repeat(999)}\u{1F600}`;
  expect((await publish({ name: "cut", manifest: { keywords, description } })).status).toBe(201);
  for (const field of [{ keywords: ["\ud800"] }, { peerDependencies: { "\udfff": "*" } }]) {
    const answer = await publish({ name: "half", manifest: field });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ code: expect.stringMatching(/_in(?:valid|put)$/) });
  }
  for (const path of ["/", "/packages", "/packages?q=cut", "/packages/cut", "/dashboard"])
    expect([path, (await pageOf(path)).status]).toEqual([path, 200]);
});

const MARK = `"'><img src=x onerror=alert(1)><script>alert(1)</script>\u202e\r\nX-Evil: 1`;

test("no field of a manifest becomes markup or a header", async () => {
  const manifest = {
    description: MARK,
    license: MARK,
    homepage: `https://example.com/${MARK}`,
    repository: `javascript:alert(1)//${MARK}`,
    keywords: [MARK, "javascript:alert(1)"],
    authors: [MARK],
    engines: { [MARK]: MARK },
    peerDependencies: { [MARK]: MARK, "../../evil": "javascript:1" },
    categories: [MARK],
  };
  const files = { "README.md": `${MARK}\n[a](javascript:alert(1))\n<svg onload=alert(1)>` };
  const answer = await publish({ name: "marked", manifest, files });
  expect([answer.status, await answer.text()]).toEqual([201, expect.any(String)]);
  const deprecation = await server.call("PUT", "/packages/marked/deprecation", {
    token,
    body: { range: "*", message: MARK },
  });
  expect(deprecation.status).toBe(204);
  for (const path of [
    "/",
    "/packages",
    "/packages?q=marked",
    "/packages/marked",
    "/packages/marked/1.0.0",
    `/packages?q=${encodeURIComponent(MARK)}`,
    `/login?next=${encodeURIComponent(MARK)}`,
  ]) {
    const { status, text } = await pageOf(path);
    expect([path, status]).toEqual([path, 200]);
    expect(text).not.toMatch(/<script>|<img src=x|<svg onload|href="javascript:/i);
  }
  const archive = await fetch(`${server.url}/api/v1/packages/marked/1.0.0/download`);
  expect(archive.headers.get("x-evil")).toBeNull();
  expect(archive.headers.get("content-disposition")).toBe(
    'attachment; filename="marked-1.0.0.tgz"',
  );
});

test("error pages and problems repeat nothing as markup", async () => {
  const evil = encodeURIComponent(MARK);
  for (const path of [
    `/packages/${evil}`,
    `/packages/marked/${evil}`,
    `/errors/${evil}`,
    `/assets/${evil}`,
    `/${evil}`,
  ]) {
    const { status, text } = await pageOf(path);
    expect([path, status]).toEqual([path, 404]);
    expect(text).not.toMatch(/<script>alert|<img src=x/);
  }
  expect(server.log()).not.toMatch(/\n(?!\{|$)/);
});

test.each([
  [
    "deep",
    (form: FormData) => form.set("manifest", `${"[".repeat(400_000)}${"]".repeat(400_000)}`),
  ],
  [
    "deep and named",
    (form: FormData) =>
      form.set(
        "manifest",
        `{"name":"x","version":"1.0.0","z":${"[".repeat(400_000)}${"]".repeat(400_000)}}`,
      ),
  ],
  [
    "__proto__",
    (form: FormData) =>
      form.set("manifest", '{"name":"deep","version":"1.0.0","__proto__":{"bin":{}}}'),
  ],
  [
    "a key twice",
    (form: FormData) => form.set("manifest", '{"name":"other","name":"deep","version":"1.0.0"}'),
  ],
  [
    "deep signature",
    (form: FormData) => form.set("signature", `${"[".repeat(2000)}${"]".repeat(2000)}`),
  ],
])("a part that is not plain JSON is refused at once: %s", async (_, spoil) => {
  // By recursion the deepest took 6 s.
  const startedMs = performance.now();
  const answer = await publish({ name: "deep" }, spoil);
  expect([answer.status, await answer.json()]).toEqual([
    422,
    expect.objectContaining({ code: "invalid_input" }),
  ]);
  expect(performance.now() - startedMs).toBeLessThan(5000);
});

test("an archive's own manifest is held to the same", async () => {
  const bytes = goodArchive({ name: "deep", manifest: { keywords: ["\ud800"] } });
  const answer = await publish({ name: "deep" }, (form) =>
    form.set("tarball", new Blob([Uint8Array.from(bytes)])),
  );
  expect([answer.status, await answer.json()]).toEqual([
    422,
    expect.objectContaining({ code: "manifest_invalid" }),
  ]);
});

test("no version swells what every reader of its package gets", async () => {
  const engines = { [`x${"y".repeat(900_000)}`]: "*" };
  for (const manifest of [
    { engines },
    { bin: manyOf("file.js") },
    { peerDependencies: manyOf("x".repeat(100)) },
  ]) {
    const answer = await publish({ name: "swollen", manifest });
    expect([answer.status, await answer.json()]).toEqual([
      422,
      expect.objectContaining({ code: "manifest_invalid" }),
    ]);
  }
  const dependencies = Object.fromEntries(
    Array.from({ length: 1000 }, (_, at) => [`needed-package-${at}`, "^1.2.3"]),
  );
  expect((await publish({ name: "needy", manifest: { dependencies } })).status).toBe(201);
}, 30_000);

const manyOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: 2000 }, (_, at) => [`some-long-name-of-a-command-${at}`, text]),
  );
