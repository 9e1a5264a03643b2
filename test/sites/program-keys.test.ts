import { expect, test } from "bun:test";

import { parseDeployId } from "#base/names.ts";
import { draftsSince, findRef } from "#server/functions-refs.ts";
import { createDeploy } from "#sites/deploys/deploy-create.ts";
import { finalizeDeploy } from "#sites/deploys/deploy-finalize.ts";
import { rollback } from "#sites/deploys/rollback.ts";
import type { ProgramBody } from "#sites/model.ts";
import { listDrafts } from "#sites/serving/load-program.ts";
import { updateSite } from "#sites/site/settings.ts";
import { findSiteId } from "#sites/site/sites-ids.ts";
import { readSite } from "#sites/site/sites-read.ts";
import { codeOf, makeToken } from "#test/support/people.ts";

import { listOf, openWorld, sha256 } from "./deploy-world.ts";
import { begin, bodyOf, CODE, deployProgram, MAP } from "./program-world.ts";

const KEYS: [scope: string, allowed: boolean, keyPrograms: boolean][] = [
  ["deploy:blog", false, false],
  ["deploy", false, false],
  ["deploy:blog", true, true],
  ["site:blog", true, false],
  ["account", true, false],
];

test.each(KEYS)(
  "a token of %s brings a program: %p where keys may: %p",
  async (scope, allowed, keyPrograms) => {
    await using world = await openWorld();
    const { ctx, ada } = world;
    await updateSite(ctx, ada.actor, "blog", { keyPrograms });
    const key = await makeToken(ctx, ada, scope);
    const attempt = () => begin(world, key, { "index.html": "home" }, bodyOf(CODE));
    if (!allowed) {
      expect(await codeOf(attempt)).toBe("program_key");
      return;
    }
    const { live } = await finalizeDeploy(ctx, key.actor, "blog", await attempt());
    expect(live).toBe(true);
  },
);

test("a key may send the very program again that is live, and nothing else", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const own = bodyOf(CODE, { routes: ["/api/*"], crons: ["0 4 * * *"] }, MAP);
  await deployProgram(world, { "index.html": "one" }, own);
  const key = await makeToken(ctx, ada, "deploy:blog");
  const again = await begin(world, key, { "index.html": "two" }, own);
  expect((await finalizeDeploy(ctx, key.actor, "blog", again)).live).toBe(true);
  const others: ProgramBody[] = [
    bodyOf(CODE, { crons: ["0 4 * * *"] }, MAP),
    bodyOf(CODE, { routes: ["/api/*"] }, MAP),
    bodyOf(CODE, { routes: ["/api/*"], crons: ["0 4 * * *"] }),
    { ...own, database: true },
    { ...own, main: { ...own.main, language: "ts" } },
    { ...own, main: { ...own.main, sha256: sha256("other") } },
  ];
  for (const other of others)
    expect(await codeOf(() => begin(world, key, {}, other))).toBe("program_key");
  // Files alone are what a key is for, also where they leave the program out.
  const files = await createDeploy(ctx, key.actor, "blog", {
    files: listOf({ "index.html": "two" }),
  });
  expect(files.missing).toEqual([]);
});

test("what a key may is judged again when it finishes", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  await updateSite(ctx, ada.actor, "blog", { keyPrograms: true });
  const key = await makeToken(ctx, ada, "deploy:blog");
  const id = await begin(world, key, {}, bodyOf(CODE));
  await updateSite(ctx, ada.actor, "blog", { keyPrograms: false });
  expect(await codeOf(() => finalizeDeploy(ctx, key.actor, "blog", id))).toBe("program_key");
  expect((await readSite(ctx, ada.actor, "blog")).live).toBeNull();
});

test("drafts that keys brought run only while the owner lets keys bring programs", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const draftOf = async (scope: string, program: ProgramBody): Promise<string> => {
    const key = await makeToken(ctx, ada, scope);
    const id = await begin(world, key, { "index.html": scope }, program);
    await finalizeDeploy(ctx, key.actor, "blog", id, { release: false });
    return id;
  };
  await updateSite(ctx, ada.actor, "blog", { keyPrograms: true });
  await deployProgram(world, { "index.html": "live" }, bodyOf(CODE));
  const other = bodyOf(CODE, { routes: ["/x"] });
  const byKey = await draftOf("deploy:blog", other);
  const same = await draftOf("deploy:blog", bodyOf(CODE));
  const bySite = await draftOf("site:blog", other);
  const siteId = (await findSiteId(ctx, "blog")) ?? 0;
  const running = async (): Promise<[boolean[], string[]]> => {
    const refs = [byKey, same, bySite].map((id) => findRef(ctx, siteId, parseDeployId(id)));
    const drafts = await listDrafts(ctx, siteId, draftsSince(ctx));
    return [(await Promise.all(refs)).map((ref) => ref !== undefined), drafts.toSorted()];
  };
  expect(await running()).toEqual([[true, true, true], [byKey, same, bySite].toSorted()]);
  await updateSite(ctx, ada.actor, "blog", { keyPrograms: false });
  expect(await running()).toEqual([[false, true, true], [same, bySite].toSorted()]);
  // Made live by the account, it runs as any other.
  await rollback(ctx, ada.actor, "blog", { deploy: parseDeployId(byKey) });
  expect((await findRef(ctx, siteId, undefined))?.deploy).toBe(parseDeployId(byKey));
});

test("a key makes nothing live that a key brought when it might, and may no more", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const key = await makeToken(ctx, ada, "deploy:blog");
  await updateSite(ctx, ada.actor, "blog", { keyPrograms: true });
  const was = await begin(world, key, { "index.html": "one" }, bodyOf(CODE));
  await finalizeDeploy(ctx, key.actor, "blog", was);
  const draft = await begin(world, key, { "index.html": "two" }, bodyOf(CODE, { routes: ["/x"] }));
  await finalizeDeploy(ctx, key.actor, "blog", draft, { release: false });
  await updateSite(ctx, ada.actor, "blog", { keyPrograms: false });
  await deployProgram(world, { "index.html": "three" }, bodyOf(CODE, { routes: ["/y"] }));
  const { live } = await readSite(ctx, ada.actor, "blog");
  const attempts = [
    () => rollback(ctx, key.actor, "blog", { deploy: parseDeployId(was) }),
    () => rollback(ctx, key.actor, "blog", { deploy: parseDeployId(draft) }),
    () => rollback(ctx, key.actor, "blog", {}),
    () => finalizeDeploy(ctx, key.actor, "blog", draft, { release: true }),
  ];
  for (const attempt of attempts) expect(await codeOf(attempt)).toBe("program_key");
  expect((await readSite(ctx, ada.actor, "blog")).live).toEqual(live);
  // What the account made live before, a key may go back to; and the account to anything.
  await rollback(ctx, ada.actor, "blog", { deploy: parseDeployId(was) });
  const back = typeof live === "string" ? live : (live?.id ?? "");
  expect((await rollback(ctx, key.actor, "blog", { deploy: parseDeployId(back) })).live).toBe(true);
});
