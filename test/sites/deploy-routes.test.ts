import { expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { connect } from "node:net";

import { rawTar } from "#fixtures/tar.ts";
import { createDeploy } from "#sites/deploys/deploy-create.ts";
import { finalizeDeploy } from "#sites/deploys/deploy-finalize.ts";
import { listDeploys } from "#sites/deploys/deploy-list.ts";
import { readFolderUpload } from "#sites/deploys/upload-folder.ts";
import { putBlobs } from "#sites/deploys/upload-tar.ts";
import type { Deploy, DeployStarted, Finalized } from "#sites/model.ts";
import { readSite } from "#sites/site/sites-read.ts";
import { codeOf } from "#test/support/people.ts";

import { deploy, listOf, openWorld, sending, sha256, tarOf, type World } from "./deploy-world.ts";

const SITE = "/api/v1/sites/blog";
const PAGE = { limit: 100, cursor: undefined };
const json = { "content-type": "application/json" };

async function ask<T>(
  { call }: World,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; value: T & { code?: string; data?: Record<string, unknown> } }> {
  const answer = await call(method, `${SITE}${path}`, {
    ...(body !== undefined && { body }),
    ...(!(body instanceof Uint8Array) && { headers: json }),
  });
  return { status: answer.status, value: JSON.parse((await answer.text()) || "null") };
}

const begin = (world: World, files: Record<string, string>) =>
  ask<DeployStarted>(world, "POST", "/deploys", { files: listOf(files) });

test("the protocol over HTTP, from begin to rollback", async () => {
  await using world = await openWorld();
  const begun = await begin(world, { "index.html": "hello" });
  expect(begun).toMatchObject({ status: 201, value: { missing: [sha256("hello")] } });
  const path = `/deploys/${begun.value.id}`;
  const more = await ask<DeployStarted>(world, "POST", `${path}/files`, {
    files: listOf({ "a.txt": "a", "b.txt": "b" }),
  });
  expect(more).toMatchObject({ status: 200 });
  expect(more.value.missing).toHaveLength(3);
  const put = await world.call("PUT", `${SITE}${path}/blobs/sha256/${sha256("hello")}`, {
    body: Buffer.from("hello"),
  });
  expect(put.status).toBe(204);
  const tar = await ask<DeployStarted>(world, "POST", `${path}/blobs`, tarOf(["a", "b"]));
  expect(tar).toMatchObject({ status: 200, value: { missing: [] } });
  const done = await ask<Finalized>(world, "POST", `${path}/finalize`, { release: true });
  expect(done).toMatchObject({ status: 200, value: { id: begun.value.id, live: true, files: 3 } });
  expect(await ask<Finalized>(world, "POST", `${path}/finalize`, {})).toEqual(done);
  await deploy(world.ctx, world.ada, "blog", { "index.html": "second" });
  const list = await ask<{ items: Deploy[] }>(world, "GET", "/deploys");
  expect(list.value.items).toHaveLength(2);
  const back = await ask<Finalized>(world, "POST", "/rollback");
  expect(back).toMatchObject({ status: 200, value: { id: begun.value.id, live: true } });
  expect((await ask(world, "GET", "/releases")).value).toMatchObject({
    items: [{ deploy: begun.value.id }, {}, {}],
  });
  expect((await ask(world, "GET", `${path}/diff`)).value).toMatchObject({ total: { added: 3 } });
  expect((await ask(world, "DELETE", path)).value.code).toBe("deploy_live");
});

test("one file is sent to be saved, never to be shown", async () => {
  await using world = await openWorld();
  const { id } = await deploy(world.ctx, world.ada, "blog", { "a/x.html": "<script>" });
  const answer = await world.call("GET", `${SITE}/deploys/${id}/raw?path=a%2Fx.html`);
  expect(await answer.text()).toBe("<script>");
  expect(answer.headers.get("content-disposition")).toBe('attachment; filename="x.html"');
  expect(answer.headers.get("content-type")).toBe("application/octet-stream");
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  expect((await world.call("GET", `${SITE}/deploys/${id}/raw?path=..%2Fx`)).status).toBe(404);
});

test("a body that is no manifest is refused", async () => {
  await using world = await openWorld();
  const good = { sha256: sha256("x"), size: 1 };
  for (const files of [
    { a: { ...good, size: -1 } },
    { a: { ...good, size: 1.5 } },
    { a: { ...good, sha256: sha256("x").toUpperCase() } },
    { a: { size: 1 } },
    { "../a": good },
    { "a\nb": { sha256: 1 } },
    [],
    "x",
  ])
    expect((await ask(world, "POST", "/deploys", { files })).status).toBe(422);
  expect(
    (await ask(world, "POST", "/deploys", { files: { a: good, b: { ...good, size: 2 } } })).value
      .code,
  ).toBe("deploy_path_invalid");
});

test("a blob that the deploy does not name, or that is another, is refused", async () => {
  await using world = await openWorld();
  const { value } = await begin(world, { "a.txt": "hello" });
  const put = async (hex: string, body: string) => {
    const path = `${SITE}/deploys/${value.id}/blobs/sha256/${hex}`;
    const answer = await world.call("PUT", path, { body: Buffer.from(body) });
    return answer.status;
  };
  expect(await put(sha256("other"), "other")).toBe(422);
  expect(await put("nothex", "hello")).toBe(422);
  expect(await put(sha256("hello"), "hallo")).toBe(422);
  expect(await put(sha256("hello"), "hell")).toBe(422);
  expect(await put(sha256("hello"), "hello and more")).toBe(422);
  expect(await put(sha256("hello"), "hello")).toBe(204);
  expect(await readdir(`${world.ctx.config.data}/blobs/staging`)).toEqual([]);
  expect(await Array.fromAsync(world.ctx.blobs.list())).toHaveLength(1);
});

test("a tar of blobs is refused at its first wrong entry, which is named; what came before is kept", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const good = { name: sha256("good"), content: "good" };
  const wrong = [
    { name: sha256("unknown"), content: "unknown" },
    { name: sha256("other"), content: "OTHER" },
    { name: sha256("other"), content: "other, longer" },
    { name: sha256("other"), type: "2", link: "/etc/passwd" },
    { name: sha256("other"), type: "1", link: sha256("good") },
    { name: "../x", content: "other" },
    { name: `sha512/${sha256("other")}`, content: "other" },
    { name: "folder/", type: "5" },
    { name: sha256("good"), content: "good" },
  ];
  for (const entry of wrong) {
    const { id } = await createDeploy(ctx, ada.actor, "blog", {
      files: listOf({ a: "good", b: "other" }),
      message: entry.name,
    });
    const sent = putBlobs(
      ctx,
      ada.actor,
      { site: "blog", deploy: id },
      sending(rawTar([good, entry])),
    );
    expect(await codeOf(() => sent)).toBe("archive_invalid");
    await sent.catch((error) => expect(error.data.entry).toBe(entry.name));
    const again = await createDeploy(ctx, ada.actor, "blog", { files: listOf({ a: "good" }) });
    expect(again.missing).toEqual([]);
  }
  const { id } = await createDeploy(ctx, ada.actor, "blog", {
    files: listOf({ a: "good", b: "other" }),
  });
  const named = [
    { name: "sha256/", type: "5" },
    { name: `sha256/${sha256("other")}`, content: "other" },
  ];
  const { missing } = await putBlobs(
    ctx,
    ada.actor,
    { site: "blog", deploy: id },
    sending(rawTar(named)),
  );
  expect(missing).toEqual([]);
});

test("a tar cut at any byte keeps what was whole, and the next one sends the rest", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const contents = ["one", "two", "three"];
  const files = listOf(Object.fromEntries(contents.map((text) => [text, text])));
  const { id } = await createDeploy(ctx, ada.actor, "blog", { files });
  const tar = tarOf(contents);
  for (const end of [0, 100, 512, 700, 1024, 1600, 2500, tar.length - 513])
    expect(
      await codeOf(() =>
        putBlobs(ctx, ada.actor, { site: "blog", deploy: id }, sending(tar.subarray(0, end))),
      ),
    ).toBe("archive_invalid");
  const done = await putBlobs(ctx, ada.actor, { site: "blog", deploy: id }, sending(tar));
  expect(done.missing).toEqual([]);
  expect(await finalizeDeploy(ctx, ada.actor, "blog", id)).toMatchObject({ files: 3 });
});

test("a body that breaks off is told as that, and leaves nothing", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const large = "x".repeat(600_000);
  const { id } = await createDeploy(ctx, ada.actor, "blog", { files: listOf({ a: large }) });
  const broken = (bytes: Uint8Array) =>
    new ReadableStream({
      start(controller) {
        controller.enqueue(bytes);
      },
      pull(controller) {
        controller.error(new Error("connection lost"));
      },
    });
  const about = { site: "blog", deploy: id };
  const cut = tarOf([large]).subarray(0, 400_000);
  expect(await codeOf(() => putBlobs(ctx, ada.actor, about, sending(broken(cut))))).toBe(
    "bad_request",
  );
  expect(await readdir(`${ctx.config.data}/blobs/staging`)).toEqual([]);
  expect(await Array.fromAsync(ctx.blobs.list())).toEqual([]);
});

test("a client that goes away in the middle of an upload leaves nothing, and the site stays", async () => {
  await using world = await openWorld();
  const { ctx, ada, call } = world;
  const live = await deploy(ctx, ada, "blog", { "i.html": "live" });
  const { id } = await createDeploy(ctx, ada.actor, "blog", {
    files: listOf({ a: "x".repeat(5_000_000) }),
  });
  const ended: Promise<number>[] = [];
  const { promise: begun, resolve: tellBegun } = Promise.withResolvers<void>();
  await using server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      const url = new URL(request.url);
      const forwarded = new Request(request, { headers: { authorization: `Bearer ${ada.token}` } });
      const answer = putBlobs(ctx, ada.actor, { site: "blog", deploy: id }, forwarded).then(
        () => 200,
        () => 400,
      );
      ended.push(answer);
      tellBegun();
      return new Response(url.pathname, { status: await answer });
    },
  });
  const socket = connect(Number(server.port), "127.0.0.1");
  socket.on("error", () => undefined);
  const tar = tarOf(["x".repeat(5_000_000)]);
  socket.write(`POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${tar.length}\r\n\r\n`);
  socket.write(tar.subarray(0, 2_000_000));
  await begun;
  socket.destroy();
  expect(await Promise.all(ended)).toEqual([400]);
  expect(await readdir(`${ctx.config.data}/blobs/staging`)).toEqual([]);
  expect((await readSite(ctx, ada.actor, "blog")).live?.id).toBe(live.id);
  expect((await call("GET", `${SITE}/deploys/${id}`)).status).toBe(200);
});

function folderForm(files: Record<string, string>, fields: Record<string, string> = {}): Request {
  const form = new FormData();
  for (const [path, content] of Object.entries(files))
    form.append("file", new Blob([content]), path);
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  return new Request("http://127.0.0.1:5263/", { method: "POST", body: form });
}

test("a folder dropped in the browser is a deploy", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const files: Record<string, string> = {
    "site/ü/b.txt": "x".repeat(400_000),
    "site/.DS_Store": "",
    "site/main.ts": "serve()",
    "site/land.json": "{}",
  };
  for (let n = 0; n < 50; n += 1) files[`site/page ${n}.html`] = `page ${n}`;
  const done = await readFolderUpload(
    ctx,
    ada.actor,
    folderForm(files, { message: "dropped" }),
    "blog",
  );
  // The program is one of them; the manifest is none.
  expect(done).toMatchObject({ live: true, files: 52, warnings: [] });
  const { items } = await listDeploys(ctx, ada.actor, "blog", PAGE);
  expect(items).toMatchObject([{ source: "browser", message: "dropped", createdBy: "ada" }]);
});

test("a dropped folder with a wrong path, a wrong part or nothing in it is no deploy", async () => {
  await using world = await openWorld({ "sites.files": 3 });
  const { ctx, ada, bob } = world;
  const drop = (request: Request, as = ada) =>
    codeOf(() => readFolderUpload(ctx, as.actor, request, "blog"));
  expect(await drop(folderForm({ "a/../x": "1" }))).toBe("archive_invalid");
  expect(await drop(folderForm({ "/x": "1" }))).toBe("archive_invalid");
  expect(await drop(folderForm({ x: "1" }, { what: "1" }))).toBe("invalid_input");
  expect(await drop(folderForm({}))).toBe("invalid_input");
  expect(await drop(folderForm({ a: "1", b: "2", c: "3", d: "4" }))).toBe("archive_too_large");
  expect(await drop(folderForm({ x: "1" }), bob)).toBe("site_not_found");
  expect(await drop(sending("x"))).toBe("unsupported_media_type");
  expect((await listDeploys(ctx, ada.actor, "blog", PAGE)).items).toEqual([]);
  expect(await readdir(`${ctx.config.data}/blobs/staging`)).toEqual([]);
});
