import { expect, test } from "bun:test";

import { addFiles, createDeploy } from "#sites/deploys/deploy-create.ts";
import { finalizeDeploy } from "#sites/deploys/deploy-finalize.ts";
import { putBlob } from "#sites/deploys/upload-blob.ts";
import { putBlobs } from "#sites/deploys/upload-tar.ts";
import { createSite } from "#sites/site/sites-create.ts";
import { codeOf, makeToken } from "#test/support/people.ts";

import { deploy, listOf, openWorld, sending, sha256, tarOf, upload } from "./deploy-world.ts";

const SECRET = { "secret.html": "what only members may see" };
const HEX = sha256(SECRET["secret.html"]);

test("a key knows nothing of what its account sent elsewhere, unfinished or live", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  await createSite(ctx, ada.actor, { name: "pub" });
  const key = await makeToken(ctx, ada, "deploy:pub");
  const attempt = async () =>
    (await createDeploy(ctx, key.actor, "pub", { files: listOf(SECRET) })).missing;
  await upload(ctx, ada, "blog", SECRET);
  expect(await attempt()).toEqual([HEX]);
  await deploy(ctx, ada, "blog", SECRET);
  expect(await attempt()).toEqual([HEX]);
  const { id } = await createDeploy(ctx, key.actor, "pub", { files: listOf(SECRET) });
  expect(await codeOf(() => finalizeDeploy(ctx, key.actor, "pub", id))).toBe("deploy_incomplete");
  expect(await codeOf(() => finalizeDeploy(ctx, ada.actor, "pub", id))).toBe("deploy_incomplete");
  // The account itself need not send it again.
  expect((await createDeploy(ctx, ada.actor, "pub", { files: listOf(SECRET) })).missing).toEqual(
    [],
  );
});

test("what another key sent is unknown to a key, what its own site holds is not", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  await createSite(ctx, ada.actor, { name: "pub" });
  const [one, two] = [
    await makeToken(ctx, ada, "deploy:blog"),
    await makeToken(ctx, ada, "deploy"),
  ];
  await upload(ctx, one, "blog", SECRET);
  const ask = async (who: typeof one, site: string) =>
    (await createDeploy(ctx, who.actor, site, { files: listOf(SECRET) })).missing;
  expect(await ask(two, "pub")).toEqual([HEX]);
  expect(await ask(one, "blog")).toEqual([]);
  await deploy(ctx, one, "blog", SECRET);
  expect(await ask(two, "blog")).toEqual([]);
  expect(await ask(two, "pub")).toEqual([HEX]);
});

test("a deploy goes on only with what it was begun with", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const [key, other] = [
    await makeToken(ctx, ada, "deploy:blog"),
    await makeToken(ctx, ada, "deploy:blog"),
  ];
  const page = { "index.html": "home" };
  const own = await createDeploy(ctx, ada.actor, "blog", { files: listOf(page) });
  const about = { site: "blog", deploy: own.id };
  for (const act of [
    () => addFiles(ctx, key.actor, "blog", own.id, { files: listOf(SECRET) }),
    () => putBlob(ctx, key.actor, { ...about, hex: sha256("home") }, sending("home")),
    () => putBlobs(ctx, key.actor, about, sending(tarOf(["home"]))),
    () => finalizeDeploy(ctx, key.actor, "blog", own.id),
  ])
    expect(await codeOf(act)).toBe("forbidden");
  const begun = await createDeploy(ctx, key.actor, "blog", { files: listOf(page) });
  for (const { actor } of [other, ada])
    expect(
      await codeOf(() => addFiles(ctx, actor, "blog", begun.id, { files: listOf(SECRET) })),
    ).toBe("forbidden");
  expect(await codeOf(() => finalizeDeploy(ctx, other.actor, "blog", begun.id))).toBe("forbidden");
});

test("a key that was cut off goes on where it was", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const key = await makeToken(ctx, ada, "deploy:blog");
  const files = { "a.html": "a", "b.html": "b" };
  const { id } = await createDeploy(ctx, key.actor, "blog", { files: listOf(files) });
  await putBlob(ctx, key.actor, { site: "blog", deploy: id, hex: sha256("a") }, sending("a"));
  const again = await createDeploy(ctx, key.actor, "blog", { files: listOf(files) });
  expect(again.missing).toEqual([sha256("b")]);
  await putBlob(ctx, key.actor, { site: "blog", deploy: id, hex: sha256("b") }, sending("b"));
  expect((await finalizeDeploy(ctx, key.actor, "blog", id)).live).toBe(true);
});
