import { expect, test } from "bun:test";
import { join } from "node:path";

import { temporaryFolder } from "#test/support/land.ts";
import { writeFiles } from "#test/support/project.ts";

import { run, startRun } from "./world.ts";

/** A project with a key in it, and the start of a registry. */
async function leakyProject() {
  const root = await temporaryFolder("leak");
  await writeFiles(root.path, {
    "land.json": '{ "name": "leak", "version": "1.0.0" }\n',
    "index.ts": "export {};\n",
    id_rsa: "mine\n",
  });
  const requests: string[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => {
      requests.push(request.method);
      return new Response("no registry", { status: 404 });
    },
  });
  return {
    requests,
    setting: {
      cwd: root.path,
      home: join(root.path, "home"),
      env: { LAND_REGISTRY: server.url.origin },
      now: () => new Date(0),
    },
    async [Symbol.asyncDispose]() {
      await server.stop(true);
      await root[Symbol.asyncDispose]();
    },
  };
}

test("pack and a dry run warn of what looks like a secret", async () => {
  await using project = await leakyProject();
  for (const argv of [
    ["pack", "--dry-run"],
    ["publish", "--dry-run", "--json"],
  ])
    expect(await run(argv, project.setting)).toMatchObject({
      exitCode: 0,
      stderr: "warning: These look like secrets: id_rsa (a private key)\n",
    });
});

test("without a terminal it is refused, also with --yes, and nothing is sent", async () => {
  await using project = await leakyProject();
  const ran = await run(["publish", "--yes", "--quiet"], project.setting);
  expect(ran).toMatchObject({ exitCode: 1, stdout: "" });
  expect(ran.stderr).toMatchInlineSnapshot(`
    "error: Cannot publish what looks like secrets: id_rsa (a private key)

    hint: Name the files in .landignore; if they may be public, pass --allow-secrets: a published version is never taken back
    "
  `);
  expect((await run(["publish", "--json"], project.setting)).json()).toMatchObject({
    code: "secrets_found",
  });
  expect(project.requests).toEqual([]);
});

test("--allow-secrets lets it go out", async () => {
  await using project = await leakyProject();
  const ran = await run(["publish", "--allow-secrets"], project.setting);
  expect(ran.stderr).toContain("warning: These look like secrets: id_rsa (a private key)");
  expect(ran.exitCode).toBe(13);
  expect(project.requests).not.toEqual([]);
});

test("at a terminal it is asked about, and no is the suggestion", async () => {
  await using project = await leakyProject();
  const running = startRun(["publish"], { ...project.setting, terminal: true });
  await running.shows("Publish for all to read: id_rsa (a private key)?");
  running.type("\r");
  expect(await running.done).toMatchObject({ exitCode: 130 });
  expect(project.requests).toEqual([]);
});

test("a link is left out, and that is told", async () => {
  await using project = await leakyProject();
  await writeFiles(project.setting.cwd, { ".landignore": "id_rsa\n" });
  await Bun.$`ln -s /etc/hostname ${join(project.setting.cwd, "link")}`.quiet();
  const ran = await run(["pack", "--dry-run"], project.setting);
  expect(ran.stderr).toBe("warning: Left out, being links: link\n");
  expect(ran.stdout).not.toContain("link");
});
