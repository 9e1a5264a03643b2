import { expect, test } from "bun:test";

import { gzipped, rawTar } from "#fixtures/tar.ts";
import { rawZip } from "#fixtures/zip.ts";
import { listDeployFiles } from "#sites/deploys/deploy-files.ts";
import { readDeploy } from "#sites/deploys/deploy-read.ts";
import { readFolderUpload } from "#sites/deploys/upload-folder.ts";
import type { Finalized, Program } from "#sites/model.ts";
import { deployPrograms } from "#sites/tables.ts";
import { codeOf, makeToken, type Person } from "#test/support/people.ts";

import { type Files, openWorld, type World } from "./deploy-world.ts";

const PAGE = { limit: 100, cursor: undefined };
const CODE = 'import { Database } from "bun:sqlite";\nimport fs from "fs";\nexport default {};\n';

type Sent = { status: number; value: Finalized & { code?: string; detail?: string } };

async function send(
  { call }: World,
  files: Files,
  { tar = false, as }: { tar?: boolean; as?: Person } = {},
): Promise<Sent> {
  const entries = Object.entries(files).map(([name, content]) => ({ name, content }));
  const bytes = tar ? gzipped(rawTar(entries)) : rawZip(entries);
  const form = new FormData();
  form.set("file", new Blob([Uint8Array.from(bytes)]), "site");
  form.set("site_name", "blog");
  const answer = await call("POST", "/api/deploy", { body: form, ...(as && { as }) });
  return { status: answer.status, value: JSON.parse(await answer.text()) };
}

/** Paths of the files and the program of the deploy that was made. */
async function made({ ctx, ada }: World, { value }: Sent): Promise<[string[], Program | null]> {
  const { items } = await listDeployFiles(ctx, ada.actor, "blog", value.id, PAGE);
  const { program } = await readDeploy(ctx, ada.actor, "blog", value.id);
  return [items.map(({ path }) => path), program];
}

test("the program of an archive is taken, with what its manifest says", async () => {
  await using world = await openWorld();
  const files = {
    "dist/index.html": "home",
    "dist/main.ts": CODE,
    "dist/main.ts.map": "{}",
    "dist/src/main.ts": "page",
    "dist/land.json": JSON.stringify({
      version: "not one, and not looked at",
      site: {
        routes: ["/api/*"],
        crons: ["@daily", { cron: "0 4 * * 1", timeZone: "Europe/Berlin" }],
        database: true,
      },
    }),
  };
  for (const tar of [true, false]) {
    const sent = await send(world, files, { tar });
    expect(sent.value.warnings).toEqual([]);
    expect(await made(world, sent)).toEqual([
      [".land/program.js", "index.html", "src/main.ts"],
      {
        name: "main.ts",
        sizeBytes: CODE.length,
        routes: ["/api/*"],
        crons: [
          { cron: "@daily", timeZone: "UTC" },
          { cron: "0 4 * * 1", timeZone: "Europe/Berlin" },
        ],
      },
    ]);
  }
  const [row] = await world.ctx.db.read.select().from(deployPrograms);
  expect(row).toMatchObject({ language: "ts", database: true, mapDigest: null });
});

test("a project is deployed as its folder, with a program beside it", async () => {
  await using world = await openWorld();
  const site = { dir: "public", main: "server/app.js" };
  const sent = await send(world, {
    "land.json": JSON.stringify({ site }),
    "README.md": "not for visitors",
    "server/app.js": CODE,
    "server/app.js.map": '{"version":3}',
    "public/index.html": "home",
    "public/main.js": "a script of the page",
  });
  const [paths, program] = await made(world, sent);
  expect(paths).toEqual([".land/program.js", ".land/program.js.map", "index.html", "main.js"]);
  expect(program?.name).toBe("server/app.js");
});

test("main.js beside a page is a script of that page", async () => {
  await using world = await openWorld();
  const sent = await send(world, { "index.html": "home", "main.js": CODE });
  expect(await made(world, sent)).toEqual([["index.html", "main.js"], null]);
});

test("what imports files is left out, and it is said how to deploy it", async () => {
  await using world = await openWorld();
  const sent = await send(world, {
    "index.html": "home",
    "main.ts": 'import a from "./a";\nimport b from "zod";\nexport default a(b);\n',
    "a.ts": "1",
  });
  expect(sent.value.warnings).toEqual([
    'main.ts was left out: it imports "./a", "zod", and an archive is not bundled; `land deploy` bundles programs',
  ]);
  expect(await made(world, sent)).toEqual([["a.ts", "index.html"], null]);
});

test("a manifest that cannot be read is no reason to lose a site, but its program waits", async () => {
  await using world = await openWorld();
  const broken = [
    "{",
    "[]",
    '{"site": {"routes": ["api"]}}',
    `{"site": ${"[".repeat(100)}`,
    `"${"x".repeat(1_000_001)}"`,
  ];
  for (const text of broken) {
    const plain = await send(world, { "index.html": "home", "land.json": text });
    expect(plain.value.warnings[0]).toEndWith("not obeyed");
    const sent = await send(world, { "main.ts": CODE, "land.json": text });
    expect([sent.status, sent.value.code]).toEqual([422, "manifest_invalid"]);
  }
  const names = { "main.ts": CODE, "land.json": '{"site": {"main": "other.ts"}}' };
  expect((await made(world, await send(world, { ...names, "index.html": "x" })))[1]).toBeNull();
});

test("limits and rights are those of every program", async () => {
  await using world = await openWorld({ "functions.programBytes": 2000 });
  const large = await send(world, { "main.ts": "x".repeat(2001) });
  expect([large.status, large.value.code]).toEqual([422, "program_invalid"]);
  const cron = { site: { crons: ["never"] } };
  const wrong = await send(world, { "main.ts": CODE, "land.json": JSON.stringify(cron) });
  expect(wrong.value.code).toBe("cron_invalid");
  const key = await makeToken(world.ctx, world.ada, "deploy:blog");
  const refused = await send(world, { "main.ts": CODE }, { as: key });
  expect([refused.status, refused.value.code]).toEqual([403, "program_key"]);
});

test("a folder that a page sends has its program, too", async () => {
  await using world = await openWorld();
  const { ctx, ada } = world;
  const ask = (files: Files) => {
    const form = new FormData();
    for (const [path, text] of Object.entries(files))
      form.append("file", new Blob([String(text)]), path);
    const request = new Request("http://127.0.0.1/", { method: "POST", body: form });
    return readFolderUpload(ctx, ada.actor, request, "blog");
  };
  const value = await ask({ "app/index.html": "home", "app/main.ts": CODE });
  const [paths, program] = await made(world, { status: 200, value });
  expect([paths, program?.name]).toEqual([[".land/program.js", "index.html"], "main.ts"]);
  expect(await codeOf(() => ask({ "main.ts": CODE, "land.json": "{" }))).toBe("manifest_invalid");
});
