import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect } from "node:net";

import { goodArchive } from "#fixtures/archives.ts";
import { checkData } from "#registry/check.ts";
import { makeToken, parseObject, type Person } from "#test/support/people.ts";

import { type Api, formOf, openApi, problemOf } from "./api.ts";
import { leftovers } from "./uploads.ts";

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(async () => {
  expect(await leftovers(api.ctx)).toEqual([]);
  expect(await checkData(api.ctx)).toEqual([]);
  await api.close();
});

test("publish answers 201 with the version, and it is read back", async () => {
  const answer = await api.post({ version: "2.0.0-rc.1" });
  expect(answer.status).toBe(201);
  const version = parseObject(await answer.text());
  expect(version).toMatchObject({ name: "left", version: "2.0.0-rc.1", publishedBy: "ada" });
  const read = await api.get("/packages/left/2.0.0-rc.1");
  expect(parseObject(await read.text())).toEqual(version);
  expect(await problemOf(api.post({ version: "2.0.0-rc.1" }))).toBe("409 version_exists");
});

test("the right to publish is asked before a byte is read", async () => {
  let pulled = 0;
  const upload = (as?: Person, headers: Record<string, string> = {}) => {
    const body = new ReadableStream(
      {
        pull(controller) {
          pulled += 1;
          controller.enqueue(new Uint8Array(1000));
        },
      },
      { highWaterMark: 0 },
    );
    return api.fetch(
      new Request("http://127.0.0.1:5263/packages", {
        method: "POST",
        body,
        headers: {
          "content-type": "multipart/form-data; boundary=b",
          ...(as && { authorization: `Bearer ${as.token}` }),
          ...headers,
        },
      }),
    );
  };
  expect(await problemOf(upload())).toBe("401 unauthenticated");
  expect(await problemOf(upload({ ...api.ada, token: "land_nonsense" }))).toBe(
    "401 unauthenticated",
  );
  expect(await problemOf(upload(await makeToken(api.ctx, api.ada, "read", "yank")))).toBe(
    "403 scope_missing",
  );
  expect(await problemOf(upload(api.ada, { "content-length": "200000000" }))).toBe(
    "413 payload_too_large",
  );
  expect(await problemOf(upload(api.ada, { "content-type": "application/json" }))).toBe(
    "415 unsupported_media_type",
  );
  expect(pulled).toBe(0);
});

test.each([
  ["no manifest", (form: FormData) => form.delete("manifest"), "422 invalid_input"],
  ["no tarball", (form: FormData) => form.delete("tarball"), "422 invalid_input"],
  ["manifest not JSON", (form: FormData) => form.set("manifest", "{"), "422 invalid_input"],
  ["manifest a list", (form: FormData) => form.set("manifest", "[]"), "422 manifest_invalid"],
  ["manifest null", (form: FormData) => form.set("manifest", "null"), "422 manifest_invalid"],
  ["signature not JSON", (form: FormData) => form.set("signature", "x"), "422 invalid_input"],
  ["signature no object", (form: FormData) => form.set("signature", "[]"), "422 signature_invalid"],
  [
    "signature too large",
    (form: FormData) => form.set("signature", "x".repeat(5000)),
    "422 invalid_input",
  ],
  ["a part too many", (form: FormData) => form.set("extra", "x"), "422 invalid_input"],
  [
    "tarball no archive",
    (form: FormData) => form.set("tarball", new Blob(["no"])),
    "422 archive_invalid",
  ],
  [
    "another archive",
    (form: FormData) =>
      form.set("tarball", new Blob([Uint8Array.from(goodArchive({ name: "right" }))])),
    "422 manifest_mismatch",
  ],
])("a publish with %s is refused", async (_, spoil, code) => {
  const form = formOf({ name: "spoiled" });
  spoil(form);
  expect(await problemOf(api.call("POST", "/packages", { as: api.ada, body: form }))).toBe(code);
  expect(await leftovers(api.ctx)).toEqual([]);
});

test("an upload that breaks off leaves nothing", async () => {
  const answered = Promise.withResolvers<number>();
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const response = await api.fetch(request);
      answered.resolve(response.status);
      return response;
    },
  });
  const socket = connect(server.port ?? 0, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(
    `POST /packages HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${api.ada.token}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 900000\r\n\r\n--b\r\nContent-Disposition: form-data; name="tarball"; filename="x"\r\n\r\n${"y".repeat(300_000)}`,
  );
  while ((await leftovers(api.ctx)).length === 0)
    await new Promise((resolve) => setImmediate(resolve));
  socket.destroy();
  expect(await answered.promise).toBe(400);
  expect(await leftovers(api.ctx)).toEqual([]);
  await server.stop(true);
});
