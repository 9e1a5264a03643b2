import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { array, assert, asyncProperty, constantFrom, nat, tuple } from "fast-check";

import { goodArchive } from "#fixtures/archives.ts";

import { type TestServer, testServer } from "../support/server.ts";

let server: TestServer;
let token = "";
beforeAll(async () => {
  server = await testServer({ LAND_RATE_LIMIT: "off" });
  token = await server.register("ada");
});
afterAll(async () => {
  expect(await readdir(join(server.data, "blobs/staging"))).toEqual([]);
  expect(server.log()).not.toContain('"event":"bug"');
  await server[Symbol.asyncDispose]();
});

const post = async (body: string | Buffer, type = "multipart/form-data; boundary=b") => {
  const answer = await fetch(`${server.url}/api/v1/packages`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": type },
    body: typeof body === "string" ? Buffer.from(body, "latin1") : body,
  });
  await answer.arrayBuffer();
  return answer.status;
};
const part = (head: string, content: string): string => `--b\r\n${head}\r\n\r\n${content}\r\n`;
const named = (name: string, content: string, more = ""): string =>
  part(`Content-Disposition: form-data; name="${name}"${more}`, content);
const manifest = named("manifest", '{"name":"up","version":"1.0.0"}');
const bytes = goodArchive({ name: "up" }).toString("latin1");
const tarball = named("tarball", bytes, '; filename="x"');
const end = "--b--\r\n";

test.each([
  ["an unknown part, then a file that never ends", `${named("evil", "1")}${tarball.slice(0, 200)}`],
  [
    "a part too large, then the same",
    `${named("signature", "s".repeat(9000))}${tarball.slice(0, 200)}`,
  ],
  ["a part twice, then the same", `${manifest}${manifest}${tarball.slice(0, 200)}`],
  ["a part without a name", `${part("Content-Disposition: form-data", "x")}${tarball}${end}`],
  ["a name of 10 KB", `${named("n".repeat(10_000), "x")}${end}`],
  [
    "a name in a broken coding",
    `${part("Content-Disposition: form-data; name*=x'%zz'%E0%A4%A", "x")}${end}`,
  ],
  ["a header without end", `--b\r\n${"X".repeat(500_000)}`],
  ["5000 headers", `--b\r\n${"X: y\r\n".repeat(5000)}\r\n{}\r\n${end}`],
  ["10,000 parts", `${named("manifest", "{}").repeat(10_000)}${end}`],
  ["10,000 boundaries", `${"--b\r\n".repeat(10_000)}${end}`],
  ["line feeds alone", `${manifest}${tarball}${end}`.replaceAll("\r\n", "\n")],
  [
    "a charset of the prototype",
    `${part('Content-Disposition: form-data; name="manifest"\r\nContent-Type: text/plain; charset=__proto__', "{}")}${tarball}${end}`,
  ],
  [
    "a form within the file",
    `${named("tarball", "--c\r\n\r\nx\r\n--c--", "\r\nContent-Type: multipart/mixed; boundary=c")}${manifest}${end}`,
  ],
  ["nothing but the end", end],
])("a form is refused, and leaves nothing: %s", async (_, form) => {
  const status = await post(form);
  expect([400, 413, 415, 422]).toContain(status);
  expect(await readdir(join(server.data, "blobs/staging"))).toEqual([]);
});

test.each([
  ["of 8 KB", `multipart/form-data; boundary=${"q".repeat(8000)}`],
  ["of a pattern's letters", "multipart/form-data; boundary=(((((.*)+"],
  ["without a value", "multipart/form-data; boundary"],
  ["among empty parameters", "multipart/form-data;;;=;=="],
  ["of another type", "multipart/mixed; boundary=b"],
  ["missing", "multipart/form-data"],
])("a boundary that is not the form's is refused: %s", async (_, type) => {
  expect([400, 415]).toContain(await post(`${manifest}${tarball}${end}`, type));
});

test("a file name leads nowhere", async () => {
  const form = named("tarball", bytes, '; filename="../../../../tmp/x\0y"');
  expect(await post(`${manifest}${form}${end}`)).toBe(201);
});

test("however a form is damaged, it is answered and leaves nothing", async () => {
  const whole = Buffer.from(`${manifest.replace("1.0.0", "9.9.9")}${tarball}${end}`, "latin1");
  const edit = tuple(
    nat(whole.length - 1),
    constantFrom("\r", "\n", "-", "b", ":", ";", "=", '"', "{", "}", "m", "\0", "\u00ff"),
  );
  await assert(
    asyncProperty(
      array(edit, { minLength: 1, maxLength: 4 }),
      nat(whole.length),
      async (edits, cut) => {
        const damaged = Buffer.from(whole);
        for (const [at, letter] of edits) damaged[at] = letter.charCodeAt(0);
        expect(await post(damaged)).toBeLessThan(500);
        expect(await post(damaged.subarray(0, cut))).toBeLessThan(500);
      },
    ),
    { numRuns: 150 },
  );
}, 30_000);
