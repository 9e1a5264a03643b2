import { expect, test } from "bun:test";

import type { Events } from "#base/events.ts";
import { addFiles, createDeploy, makeDeployId } from "#sites/deploys/deploy-create.ts";
import { deleteDeploy } from "#sites/deploys/deploy-delete.ts";
import { finalizeDeploy } from "#sites/deploys/deploy-finalize.ts";
import { listDeploys } from "#sites/deploys/deploy-list.ts";
import { readDeploy } from "#sites/deploys/deploy-read.ts";
import { listReleases } from "#sites/deploys/release-list.ts";
import { keepRecent } from "#sites/deploys/retention.ts";
import { rollback } from "#sites/deploys/rollback.ts";
import { putBlob } from "#sites/deploys/upload-blob.ts";
import { putMember } from "#sites/site/members.ts";
import { createSite } from "#sites/site/sites-create.ts";
import { readSite } from "#sites/site/sites-read.ts";
import { codeOf, makeToken } from "#test/support/people.ts";

import { deploy, listOf, openWorld, sending, sha256, upload } from "./deploy-world.ts";

const PAGE = { limit: 100, cursor: undefined };
const ONE = { "index.html": "one" };

test("a deploy from its manifest to its release, and the same again sends nothing", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const events: string[] = [];
  const names: (keyof Events)[] = ["deploy.finished", "deploy.released", "site.changed"];
  for (const name of names) ctx.hooks.on(name, () => void events.push(name));
  const files = { "index.html": "hello", "a/b.txt": "text", "same.txt": "text" };
  const begun = await createDeploy(ctx, ada.actor, "blog", {
    files: listOf(files),
    message: "first",
  });
  expect(begun.id).toMatch(/^[a-z0-9]{10}$/);
  expect(begun.missing.toSorted()).toEqual([sha256("hello"), sha256("text")].toSorted());
  for (const content of ["hello", "text"]) {
    const about = { site: "blog", deploy: begun.id, hex: sha256(content) };
    await putBlob(ctx, ada.actor, about, sending(content));
    await putBlob(ctx, ada.actor, about, sending(content));
  }
  expect((await readSite(ctx, ada.actor, "blog")).live).toBeNull();
  const done = await finalizeDeploy(ctx, ada.actor, "blog", begun.id);
  expect(done).toMatchObject({ id: begun.id, live: true, files: 3, sizeBytes: 13, warnings: [] });
  expect(done.deployUrl).toContain(`${begun.id}--blog.`);
  expect(events).toEqual(["deploy.finished", "deploy.released", "site.changed"]);
  expect(await readDeploy(ctx, ada.actor, "blog", begun.id)).toMatchObject({
    state: "ready",
    live: true,
    message: "first",
    createdBy: "ada",
    key: null,
  });
  const again = await createDeploy(ctx, ada.actor, "blog", { files: listOf(files) });
  expect(again.missing).toEqual([]);
  await finalizeDeploy(ctx, ada.actor, "blog", again.id);
  expect((await readSite(ctx, ada.actor, "blog")).usedBytes).toBe(9);
});

test("a second begin after half of the blobs asks for the other half only", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const files = Object.fromEntries([1, 2, 3, 4].map((n) => [`${n}.txt`, `content ${n}`]));
  const first = await createDeploy(ctx, ada.actor, "blog", { files: listOf(files) });
  for (const n of [1, 2])
    await putBlob(
      ctx,
      ada.actor,
      { site: "blog", deploy: first.id, hex: sha256(`content ${n}`) },
      sending(`content ${n}`),
    );
  const second = await createDeploy(ctx, ada.actor, "blog", { files: listOf(files) });
  expect(second.missing.toSorted()).toEqual([3, 4].map((n) => sha256(`content ${n}`)).toSorted());
});

test("a manifest in parts is one deploy; the same part twice adds nothing", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const begun = await createDeploy(ctx, ada.actor, "blog", { files: listOf({ "a.txt": "a" }) });
  const part = { files: listOf({ "b.txt": "b", "a.txt": "a" }) };
  for (const _ of [1, 2]) {
    const { id, missing } = await addFiles(ctx, ada.actor, "blog", begun.id, part);
    expect(id).toBe(begun.id);
    expect(missing).toHaveLength(2);
  }
  const other = { files: listOf({ "a.txt": "else" }) };
  expect(await codeOf(() => addFiles(ctx, ada.actor, "blog", begun.id, other))).toBe(
    "deploy_path_invalid",
  );
  for (const path of ["a.txt/inside", "b.txt/x/y"])
    expect(
      await codeOf(() =>
        addFiles(ctx, ada.actor, "blog", begun.id, { files: listOf({ [path]: "x" }) }),
      ),
    ).toBe("deploy_path_invalid");
  expect((await readDeploy(ctx, ada.actor, "blog", begun.id)).files).toBe(2);
});

test("what is missing is named, and the site shows the old deploy", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const old = await deploy(ctx, ada, "blog", ONE);
  const { id } = await createDeploy(ctx, ada.actor, "blog", {
    files: listOf({ "index.html": "new" }),
  });
  const refused = finalizeDeploy(ctx, ada.actor, "blog", id);
  expect(refused).rejects.toMatchObject({
    code: "deploy_incomplete",
    data: { deploy: id, missing: [sha256("new")] },
  });
  await refused.catch(() => undefined);
  expect((await readSite(ctx, ada.actor, "blog")).live?.id).toBe(old.id);
  const empty = await createDeploy(ctx, ada.actor, "blog", { files: {} });
  expect(await codeOf(() => finalizeDeploy(ctx, ada.actor, "blog", empty.id))).toBe(
    "invalid_input",
  );
});

test("a digest of another account's private blob counts as missing, and so does one of another size", async () => {
  await using world = await openWorld();
  const { ctx, ada, bob } = world;
  await deploy(ctx, ada, "blog", { "secret.txt": "a secret of ada" });
  await createSite(ctx, bob.actor, { name: "bobs" });
  const files = listOf({ "x.txt": "a secret of ada" });
  const begun = await createDeploy(ctx, bob.actor, "bobs", { files });
  expect(begun.missing).toEqual([sha256("a secret of ada")]);
  expect(await codeOf(() => finalizeDeploy(ctx, bob.actor, "bobs", begun.id))).toBe(
    "deploy_incomplete",
  );
  const lied = { "x.txt": { sha256: sha256("a secret of ada"), size: 3 } };
  expect((await createDeploy(ctx, ada.actor, "blog", { files: lied })).missing).toHaveLength(1);
});

test("a key for one site reads no other site of its account by digest, a member does", async () => {
  await using world = await openWorld({ "sweep.graceHours": 1 });
  const { ctx, ada } = world;
  await createSite(ctx, ada.actor, { name: "other" });
  await deploy(ctx, ada, "other", { "x.txt": "of the other" });
  ctx.pass(2 * 3_600_000);
  const key = await makeToken(ctx, ada, "deploy:blog");
  const files = listOf({ "x.txt": "of the other" });
  expect((await createDeploy(ctx, key.actor, "blog", { files })).missing).toHaveLength(1);
  expect((await createDeploy(ctx, ada.actor, "blog", { files })).missing).toEqual([]);
});

test("finalize twice, at once and after a rollback, changes nothing more", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const first = await deploy(ctx, ada, "blog", ONE);
  const { id } = await upload(ctx, ada, "blog", { "index.html": "two" });
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => finalizeDeploy(ctx, ada.actor, "blog", id)),
  );
  for (const answer of answers) expect(answer).toEqual(answers[0] ?? answer);
  expect((await listReleases(ctx, ada.actor, "blog", PAGE)).items).toHaveLength(2);
  await rollback(ctx, ada.actor, "blog", {});
  expect(await finalizeDeploy(ctx, ada.actor, "blog", id)).toMatchObject({ id, live: false });
  expect((await readSite(ctx, ada.actor, "blog")).live?.id).toBe(first.id);
});

test("fifty finalizes of one site at once leave one live deploy and right counts", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const begun: string[] = [];
  for (let n = 0; n < 50; n += 1)
    begun.push(
      (await upload(ctx, ada, "blog", { "index.html": `deploy ${n + 10}`, "same.txt": "same" })).id,
    );
  await Promise.all(begun.map((id) => finalizeDeploy(ctx, ada.actor, "blog", id)));
  const { items } = await listDeploys(ctx, ada.actor, "blog", PAGE);
  expect(items).toHaveLength(50);
  expect(items.filter(({ live }) => live)).toHaveLength(1);
  expect(new Set(items.map(({ releasedAt }) => releasedAt)).size).toBe(50);
  expect((await readSite(ctx, ada.actor, "blog")).usedBytes).toBe(50 * 9 + 4);
  for (const { id, live } of items) if (!live) await deleteDeploy(ctx, ada.actor, "blog", id);
  const last = await readSite(ctx, ada.actor, "blog");
  expect(last.usedBytes).toBe(9 + 4);
});

test("what is sent and never finished takes the room of the account, until it is forgotten", async () => {
  await using world = await openWorld({ "sites.accountBytes": 1024 });
  const { ctx, ada } = world;
  const of = (letter: string) => ({ "a.txt": letter.repeat(400) });
  await upload(ctx, ada, "blog", of("a"));
  await upload(ctx, ada, "blog", of("b"));
  expect(await codeOf(() => upload(ctx, ada, "blog", of("c")))).toBe("quota_exceeded");
  // What a finished deploy holds counts there and no longer here.
  await deploy(ctx, ada, "blog", of("a"));
  ctx.pass(11_000);
  expect(await codeOf(() => upload(ctx, ada, "blog", of("c")))).toBe("done");
  expect(await codeOf(() => upload(ctx, ada, "blog", of("d")))).toBe("quota_exceeded");
  ctx.pass(25 * 3_600_000);
  await keepRecent(ctx);
  expect(await codeOf(() => upload(ctx, ada, "blog", of("d")))).toBe("done");
});

test("quotas of the site, of its files and of the account hold", async () => {
  await using world = await openWorld({
    "sites.siteBytes": 1024,
    "sites.accountBytes": 1500,
    "sites.files": 3,
    "sites.deployBytes": 4096,
    "sites.fileBytes": 2000,
  });
  const { ctx, ada } = world;
  const of = (letter: string, bytes: number) => ({ "x.txt": letter.repeat(bytes) });
  await deploy(ctx, ada, "blog", of("a", 1000));
  const tooMuch = await upload(ctx, ada, "blog", of("b", 100));
  const refused = finalizeDeploy(ctx, ada.actor, "blog", tooMuch.id);
  expect(refused).rejects.toMatchObject({
    code: "quota_exceeded",
    data: { limit: 1024, needed: 1100, unit: "bytes" },
  });
  await refused.catch(() => undefined);
  expect((await readSite(ctx, ada.actor, "blog")).usedBytes).toBe(1000);
  await createSite(ctx, ada.actor, { name: "two" });
  expect(await codeOf(() => deploy(ctx, ada, "two", of("c", 600)))).toBe("quota_exceeded");
  expect(await codeOf(() => deploy(ctx, ada, "two", of("c", 400)))).toBe("done");
  const four = { a: "", b: "", c: "", d: "" };
  expect(await codeOf(() => upload(ctx, ada, "two", four))).toBe("quota_exceeded");
  expect(await codeOf(() => upload(ctx, ada, "two", of("d", 2001)))).toBe("deploy_path_invalid");
  const large = { a: "1".repeat(2000), b: "2".repeat(2000), c: "3".repeat(97) };
  expect(await codeOf(() => upload(ctx, ada, "two", large))).toBe("quota_exceeded");
});

test("unfinished deploys of a site cannot list without end", async () => {
  await using world = await openWorld({ "sites.files": 2 });
  const { ctx, ada } = world;
  const body = { files: listOf({ a: "a", b: "b" }) };
  for (let n = 0; n < 6; n += 1) await createDeploy(ctx, ada.actor, "blog", body);
  expect(await codeOf(() => createDeploy(ctx, ada.actor, "blog", body))).toBe("quota_exceeded");
});

test("only who may deploys, and only who began a deploy sends its files", async () => {
  await using world = await openWorld();
  const { ctx, ada, bob, call } = world;
  const body = { files: listOf(ONE) };
  expect(await codeOf(() => createDeploy(ctx, undefined, "blog", body))).toBe("unauthenticated");
  expect(await codeOf(() => createDeploy(ctx, bob.actor, "blog", body))).toBe("site_not_found");
  const stats = await makeToken(ctx, ada, "stats:blog");
  expect(await codeOf(() => createDeploy(ctx, stats.actor, "blog", body))).toBe("scope_missing");
  const { id } = await deploy(ctx, ada, "blog", ONE);
  for (const [method, path] of [
    ["GET", ""],
    ["GET", `/${id}`],
    ["GET", `/${id}/files`],
    ["GET", `/${id}/diff`],
    ["GET", `/${id}/raw?path=index.html`],
    ["DELETE", `/${id}`],
    ["POST", `/${id}/blobs`],
    ["PUT", `/${id}/blobs/sha256/${sha256("one")}`],
  ] as const) {
    const answer = await call(method, `/api/v1/sites/blog/deploys${path}`, { as: bob });
    expect([path, answer.status]).toEqual([path, 404]);
  }
  expect((await call("GET", `/api/v1/sites/blog/deploys/${id}/files`, { as: stats })).status).toBe(
    403,
  );
  expect(await codeOf(() => addFiles(ctx, ada.actor, "blog", id, body))).toBe("deploy_finished");
});

test("an id is ten of 36 digits, without the bytes that would make some likelier", () => {
  const bytes = [255, 254, 253, 252, 0, 25, 26, 35, 36, 71, 216, 251];
  const random = (count: number) => new Uint8Array(count).map((_, at) => bytes[at] ?? 1);
  expect(String(makeDeployId({ random }))).toBe("az09a9a9bb");
});

test("a developer cannot use what another one may read, by adding to that one's deploy", async () => {
  await using world = await openWorld();
  const { ctx, ada, bob } = world;
  await putMember(ctx, ada.actor, { site: "blog", user: "bob" }, "developer");
  await createSite(ctx, ada.actor, { name: "private" });
  await deploy(ctx, ada, "private", { "x.txt": "private" });
  const begun = await upload(ctx, ada, "blog", { "index.html": "hello" });
  const part = { files: listOf({ "stolen.txt": "private" }) };
  expect(await codeOf(() => addFiles(ctx, bob.actor, "blog", begun.id, part))).toBe("forbidden");
  const about = { site: "blog", deploy: begun.id, hex: sha256("hello") };
  expect(await codeOf(() => putBlob(ctx, bob.actor, about, sending("hello")))).toBe("forbidden");
  expect((await createDeploy(ctx, bob.actor, "blog", part)).missing).toHaveLength(1);
  expect(await finalizeDeploy(ctx, bob.actor, "blog", begun.id)).toMatchObject({ live: true });
});
