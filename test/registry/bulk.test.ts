import { afterAll, beforeAll, expect, test } from "bun:test";

import { parseObject } from "#test/support/people.ts";

import { type Api, openApi } from "./api.ts";

let api: Api;
beforeAll(async () => {
  api = await openApi();
  await api.post({ name: "right", version: "1.0.0" });
  await api.post({ name: "right", version: "2.0.0" });
  await api.post({ name: "deep", manifest: { dependencies: { right: "^1.0.0" } } });
  await api.post({
    name: "top",
    manifest: { dependencies: { deep: "*" }, optionalDependencies: { gone: "*" } },
  });
});
afterAll(() => api.close());

const headers = { "content-type": "application/json" };
const ask = (body: object) => api.call("POST", "/index", { headers, body: JSON.stringify(body) });

/** The heads of an answer, and how many lines of an index follow each. */
async function read(answer: Response): Promise<Record<string, { head: object; lines: number }>> {
  const told: Record<string, { head: object; lines: number }> = {};
  let last = "";
  for (const line of (await answer.text()).trimEnd().split("\n")) {
    const { package: name, ...head } = parseObject(line);
    if (typeof name === "string") told[(last = name)] = { head, lines: 0 };
    else told[last] = { head: told[last]?.head ?? {}, lines: (told[last]?.lines ?? 0) + 1 };
  }
  return told;
}

test("many indexes come in one answer, each as it would alone", async () => {
  const answer = await ask({ packages: { right: {}, nobody: {}, "../x": {} } });
  expect(answer.headers.get("content-type")).toBe("application/x-ndjson");
  const [head, ...lines] =
    (await answer.text()).split('\n{"package":"nobody"')[0]?.split("\n") ?? [];
  const alone = await api.get("/index/right");
  expect(`${lines.join("\n")}\n`).toBe(await alone.text());
  expect(parseObject(head ?? "")["etag"]).toBe(alone.headers.get("etag"));
  const told = await read(await ask({ packages: { right: {}, nobody: {}, "../x": {} } }));
  expect(told["nobody"]?.head).toEqual({ absent: true });
  expect(told["../x"]?.head).toEqual({ absent: true });
});

test("what is known is not sent again", async () => {
  const etag = (await api.get("/index/right")).headers.get("etag") ?? "";
  const told = await read(await ask({ packages: { right: { etag } } }));
  expect(told).toEqual({ right: { head: { unchanged: true }, lines: 0 } });
});

test("follow tells of all that the newest versions need, each once, absent ones too", async () => {
  const told = await read(await ask({ packages: { top: { range: "^1.0.0" } }, follow: true }));
  expect(Object.keys(told)).toEqual(["top", "deep", "gone", "right"]);
  expect(told["right"]?.lines).toBe(2);
  expect(told["gone"]?.head).toEqual({ absent: true });
  const none = await read(await ask({ packages: { top: { range: "^9.0.0" } }, follow: true }));
  expect(Object.keys(none)).toEqual(["top"]);
});

test("archives come one after the other, what is not there is told", async () => {
  const lines = (await (await api.get("/index/right")).text())
    .trimEnd()
    .split("\n")
    .map(parseObject);
  const digests = lines.map(({ digest }) => String(digest));
  const wanted = [digests[1], `sha256:${"0".repeat(64)}`, "nonsense", digests[0]];
  const answer = await api.call("POST", "/archives", {
    headers,
    body: JSON.stringify({ digests: wanted }),
  });
  expect(answer.headers.get("content-type")).toBe("application/x-land-archives");
  let rest = Buffer.from(await answer.arrayBuffer());
  const got: unknown[] = [];
  while (rest.length > 0) {
    const end = rest.indexOf(10);
    const { digest, size, missing } = parseObject(rest.subarray(0, end).toString());
    const bytes = rest.subarray(end + 1, end + 1 + Number(size ?? 0));
    if (missing === undefined)
      expect(`sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`).toBe(
        String(digest),
      );
    got.push(missing === true ? "missing" : digest);
    rest = rest.subarray(end + 1 + bytes.length);
  }
  expect(got).toEqual([digests[1], "missing", "missing", digests[0]]);
});

test("a body of another shape is refused", async () => {
  for (const body of [{}, { packages: null }, { packages: { right: { range: 5 } } }])
    expect([body, (await ask(body)).status]).toEqual([body, 422]);
  const digests = Array.from({ length: 1001 }, () => "x");
  const many = await api.call("POST", "/archives", { headers, body: JSON.stringify({ digests }) });
  expect(many.status).toBe(422);
});
