import { expect, test } from "bun:test";

import { parseDeployId, parseSiteName } from "#base/names.ts";
import { addFiles, createDeploy } from "#sites/deploys/deploy-create.ts";
import { deleteDeploy } from "#sites/deploys/deploy-delete.ts";
import { diffDeploys } from "#sites/deploys/deploy-diff.ts";
import { listDeployFiles } from "#sites/deploys/deploy-files.ts";
import { finalizeDeploy } from "#sites/deploys/deploy-finalize.ts";
import { listDeploys } from "#sites/deploys/deploy-list.ts";
import { readDeploy } from "#sites/deploys/deploy-read.ts";
import { rollback } from "#sites/deploys/rollback.ts";
import { putBlobs } from "#sites/deploys/upload-tar.ts";
import type { ProgramBody } from "#sites/model.ts";
import { liveProgramOf, programOfDeploy } from "#sites/serving/load-program.ts";
import { createSiteLoader } from "#sites/serving/load.ts";
import { dueOf, prepareDue } from "#sites/serving/variants-due.ts";
import { readSite } from "#sites/site/sites-read.ts";
import { deployPrograms } from "#sites/tables.ts";
import { codeOf } from "#test/support/people.ts";

import { listOf, openWorld, sending, sha256, tarOf, type World } from "./deploy-world.ts";
import { begin, bodyOf, CODE, deployProgram, MAP } from "./program-world.ts";

const PAGE = { limit: 100, cursor: undefined };

test("a program is told, kept as files of its deploy, and goes with it", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const program = bodyOf(
    CODE,
    { routes: ["/api/*", "/api/*"], crons: ["0 4 * * *"], database: true },
    MAP,
  );
  const { id, files } = await deployProgram(world, { "index.html": "home" }, program);
  expect(files).toBe(3);
  const told = {
    name: "main.ts",
    sizeBytes: CODE.length,
    routes: ["/api/*"],
    crons: [{ cron: "0 4 * * *", timeZone: "UTC" }],
  };
  expect((await readDeploy(ctx, ada.actor, "blog", id)).program).toEqual(told);
  expect((await listDeploys(ctx, ada.actor, "blog", PAGE)).items[0]?.program).toEqual(told);
  expect((await readSite(ctx, ada.actor, "blog")).live?.program).toEqual(told);
  const { items } = await listDeployFiles(ctx, ada.actor, "blog", id, PAGE);
  expect(items.map(({ path, sha256: hex }) => [path, hex])).toEqual([
    [".land/program.js", sha256(CODE)],
    [".land/program.js.map", sha256(MAP)],
    ["index.html", sha256("home")],
  ]);
  const other = await deployProgram(world, { "index.html": "home" }, bodyOf(CODE));
  const diff = await diffDeploys(ctx, ada.actor, "blog", { to: other.id });
  expect([diff.removed, diff.total.unchanged]).toEqual([[".land/program.js.map"], 2]);
  await deleteDeploy(ctx, ada.actor, "blog", id);
  expect(
    (await ctx.db.read.select().from(deployPrograms)).map((row) => String(row.deployId)),
  ).toEqual([other.id]);
});

test("a program alone is a deploy, and is sent once", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const first = await deployProgram(world, {}, bodyOf(CODE));
  expect([first.files, first.live]).toEqual([1, true]);
  const { missing } = await createDeploy(ctx, ada.actor, "blog", {
    files: {},
    program: bodyOf(CODE),
  });
  expect(missing).toEqual([]);
  const none = await createDeploy(ctx, ada.actor, "blog", { files: {} });
  expect(await codeOf(() => finalizeDeploy(ctx, ada.actor, "blog", none.id))).toBe("invalid_input");
});

test("nothing is live of which the program is missing", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const { id, missing } = await createDeploy(ctx, ada.actor, "blog", {
    files: {},
    program: bodyOf(CODE, {}, MAP),
  });
  expect(missing.toSorted()).toEqual([sha256(CODE), sha256(MAP)].toSorted());
  expect(await codeOf(() => finalizeDeploy(ctx, ada.actor, "blog", id))).toBe("deploy_incomplete");
});

test("nobody names what is the server's", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const files = listOf({ ".land/program.js": CODE });
  expect(await codeOf(() => createDeploy(ctx, ada.actor, "blog", { files }))).toBe(
    "deploy_path_invalid",
  );
  const id = await begin(world, ada, {}, bodyOf(CODE));
  expect(await codeOf(() => addFiles(ctx, ada.actor, "blog", id, { files }))).toBe(
    "deploy_path_invalid",
  );
});

test("what is wrong with a program is told", async () => {
  await using world = await openWorld({ "functions.programBytes": 1000, "functions.crons": 1 });
  const { ctx, ada } = world;
  const main = bodyOf(CODE).main;
  const cases: [ProgramBody, string][] = [
    [{ main: { ...main, size: 1001 } }, "it is larger than 1,000 bytes"],
    [{ main: { ...main, size: 0 } }, "it is empty"],
    [
      { main: { ...main, map: { ...main, size: 3001 } } },
      "its source map is larger than 3,000 bytes",
    ],
    [{ main, routes: ["api"] }, 'its route "api" is none: it does not begin with "/"'],
    [
      { main: { ...main, name: "../x.ts" } },
      'its name "../x.ts" cannot be: it holds a ".." segment',
    ],
    [{ main: { ...main, name: "a\u001b[2J.ts" } }, "it holds a control character"],
  ];
  for (const [program, problem] of cases)
    expect(
      await createDeploy(ctx, ada.actor, "blog", { files: {}, program }).catch(String),
    ).toContain(problem);
  for (const crons of [["60 * * * *"], ["0 4 * * *", "0 5 * * *"]])
    expect(
      await codeOf(() =>
        createDeploy(ctx, ada.actor, "blog", { files: {}, program: { main, crons } }),
      ),
    ).toBe("cron_invalid");
  const answer = await world.call("POST", "/api/v1/sites/blog/deploys", {
    body: { files: {}, program: { main, routes: Array.from({ length: 101 }, () => "/a") } },
  });
  expect(answer.status).toBe(422);
});

test("a server that runs none keeps programs, and says so", async () => {
  await using world = await openWorld({ functions: "off" });
  const { warnings, live } = await deployProgram(world, {}, bodyOf(CODE));
  expect(live).toBe(true);
  expect(warnings).toEqual(["main.ts is a program: it is kept, but this server runs no programs"]);
});

test("a site is loaded with its program; one question", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const site = parseSiteName("blog");
  const loader = createSiteLoader(ctx, () => {});
  const shown = async (deploy?: string) =>
    (await loader.find(site, deploy === undefined ? undefined : parseDeployId(deploy)))?.shown
      ?.program;
  const plain = await deployProgram(world, { "index.html": "home" }, bodyOf(CODE));
  const first = await shown();
  expect(first).toMatchObject({
    deploy: plain.id,
    name: "main.ts",
    language: "js",
    mapDigest: undefined,
    crons: [],
    database: undefined,
    isLive: true,
    isDraft: false,
    createdAtMs: ctx.now().getTime(),
  });
  expect(first?.claims("/api/x")).toBe(false);
  const draft = await deployProgram(
    world,
    { "index.html": "home" },
    bodyOf(CODE, { routes: ["/api/*"], database: false }, MAP),
    { draft: true },
  );
  const drafted = await shown(draft.id);
  expect(drafted).toMatchObject({ isLive: false, isDraft: true, database: false });
  expect([drafted?.claims("/api/x"), drafted?.claims("/")]).toEqual([true, false]);
  expect((await shown())?.deploy).toBe(parseDeployId(plain.id));
  await rollback(ctx, ada.actor, "blog", { deploy: draft.id });
  expect(await shown()).toMatchObject({ deploy: draft.id, isLive: true, isDraft: false });
  expect(await shown(plain.id)).toMatchObject({ isLive: false, isDraft: false });
  await upFiles(world);
  expect(await shown()).toBeUndefined();
  loader.stop();
});

async function upFiles({ ctx, ada }: World): Promise<void> {
  const { id } = await createDeploy(ctx, ada.actor, "blog", {
    files: listOf({ "index.html": "home" }),
  });
  await finalizeDeploy(ctx, ada.actor, "blog", id);
}

test("programs are found by site and deploy", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const { items } = { items: [await readSite(ctx, ada.actor, "blog")] };
  expect(items[0]?.live).toBeNull();
  expect(await liveProgramOf(ctx, 1)).toBeUndefined();
  const { id } = await deployProgram(world, {}, bodyOf(CODE, { crons: ["0 4 * * *"] }));
  const live = await liveProgramOf(ctx, 1);
  expect(live).toMatchObject({ siteId: 1, site: "blog", program: { deploy: id, isLive: true } });
  expect(live?.program.crons).toEqual([{ cron: "0 4 * * *", timeZone: "UTC" }]);
  const begun = await begin(world, ada, {}, bodyOf(CODE));
  expect(await programOfDeploy(ctx, 1, parseDeployId(id))).toMatchObject({ siteId: 1 });
  expect(await programOfDeploy(ctx, 2, parseDeployId(id))).toBeUndefined();
  expect(await programOfDeploy(ctx, 1, parseDeployId(begun))).toBeUndefined();
});

test("no variants are made of a program", async () => {
  await using world = await openWorld();
  const { ctx } = world;
  const long = `${CODE}// ${"x".repeat(4000)}\n`;
  const { id, missing } = await createDeploy(ctx, world.ada.actor, "blog", {
    files: listOf({ "app.js": "y".repeat(4000) }),
    program: bodyOf(long),
  });
  expect(missing).toHaveLength(2);
  await putBlobs(
    ctx,
    world.ada.actor,
    { site: "blog", deploy: id },
    sending(tarOf([long, "y".repeat(4000)])),
  );
  await finalizeDeploy(ctx, world.ada.actor, "blog", id);
  const due = await Array.fromAsync(dueOf(prepareDue(ctx), parseDeployId(id)));
  expect(due.flat().map(({ digest }) => String(digest))).toEqual([
    `sha256:${sha256("y".repeat(4000))}`,
  ]);
});
