import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";

import { hashTree, writeFiles } from "../support/project.ts";
import { type PluginStage, pluginStage } from "./stage.ts";

/** Events through the compiled binary, against a server. Each test has a home of its own. */
let stage: PluginStage;
beforeAll(async () => void (stage = await pluginStage()));
afterAll(() => stage[Symbol.asyncDispose]());

const WATCHER = `export default { name: "watcher", setup(land) {
  for (const name of ["preInstall", "postInstall", "preUninstall", "postUninstall", "packageUpdate", "prePublish", "postPublish", "preDeploy", "postDeploy"])
    land.on(name, (event) => land.say("saw " + name + " " + JSON.stringify(event)));
} };
`;
const NEVER = (event: string): string =>
  `export default { name: "never", setup(land) { land.on("${event}", () => { throw new Error("not today"); }); } };\n`;

describe("events", () => {
  test("of installs: told in order, and not where nothing changes", async () => {
    const { run, cwd } = await stage.newHome({ "watcher.js": WATCHER });
    const added = await run(["add", "pad"]);
    const packages = '"packages":[{"name":"pad","version":"1.0.0"}]';
    expect(added.stderr).toContain(`saw preInstall {"dir":"${cwd}",${packages}}\n`);
    expect(added.stderr).toContain(`saw postInstall {"dir":"${cwd}",${packages}}\n`);
    expect((await run(["install"])).stderr).not.toContain("saw");
    const removed = await run(["remove", "pad"]);
    expect(removed.stderr).toContain("saw preUninstall");
    expect(removed.stderr).toContain("saw postUninstall");
    expect((await run(["add", "pad", "--no-plugins"])).stderr).not.toContain("saw");
  });

  test("a plugin refuses an install, and the project stays as it was", async () => {
    const { run, cwd } = await stage.newHome({ "never.js": NEVER("preInstall") });
    const before = await hashTree(cwd);
    const ran = await run(["add", "pad", "--json"]);
    expect(ran).toMatchObject({ exitCode: 1 });
    expect(ran.json()).toMatchObject({
      code: "hook_refused",
      data: { event: "preInstall", by: 'the plugin "never"', problem: "not today" },
    });
    expect(await hashTree(cwd)).toEqual(before);
  });

  test("shell commands of the settings refuse too, and see no token", async () => {
    const { run, cwd } = await stage.newHome(
      {},
      {
        hooks: {
          preInstall: "echo refusing $LAND_PACKAGES $LAND_SIGNING_KEY; exit 4",
          postUninstall: "cat > told.json",
        },
      },
    );
    const ran = await run(["add", "pad"], { LAND_SIGNING_KEY: "sesame" });
    expect(ran).toMatchObject({ exitCode: 1, stdout: "" });
    expect(ran.stderr).toContain("refusing pad@1.0.0\n");
    expect(ran.stderr).toContain("the hook hooks.preInstall refuses preInstall: it ended with 4");
    expect(await run(["add", "pad", "--no-plugins"])).toMatchObject({ exitCode: 0 });
    expect(await run(["remove", "pad"])).toMatchObject({ exitCode: 0 });
    expect(await Bun.file(join(cwd, "told.json")).json()).toEqual({
      event: "postUninstall",
      dir: cwd,
      packages: [{ name: "pad", version: "1.0.0" }],
    });
  });

  test("a project cannot bring hooks", async () => {
    const { run, cwd } = await stage.newHome();
    const config = { hooks: { preInstall: "touch hooked" } };
    await writeFiles(cwd, { "land.json": JSON.stringify({ name: "p", config }) });
    expect(await run(["add", "pad"])).toMatchObject({ exitCode: 2 });
    expect(existsSync(join(cwd, "hooked"))).toBe(false);
  });

  test("of publishing and deploying: refused before anything is sent, told afterwards", async () => {
    const env = {
      LAND_HOOKS_PRE_PUBLISH:
        "echo pre $LAND_PACKAGE_NAME $LAND_PACKAGE_VERSION $LAND_EVENT_REGISTRY",
      LAND_HOOKS_POST_PUBLISH: "echo post $LAND_PACKAGE_DIGEST",
      LAND_HOOKS_PRE_DEPLOY: "echo pre $LAND_SITE_NAME $LAND_DEPLOY_DRAFT; exit 9",
    };
    const dir = await stage.source("told", {
      "land.json": '{ "name": "told", "version": "1.0.0" }',
      "index.html": "<p>told</p>",
    });
    const refused = await stage.asAda(["publish"], dir, {
      ...env,
      LAND_HOOKS_PRE_PUBLISH: "exit 1",
    });
    expect(refused).toMatchObject({ exitCode: 1 });
    expect(await stage.asAda(["info", "told"], dir)).toMatchObject({ exitCode: 1 });
    const published = await stage.asAda(["publish"], dir, env);
    expect(published).toMatchObject({ exitCode: 0 });
    expect(published.stderr).toContain(`pre told 1.0.0 ${stage.url}\n`);
    expect(published.stderr).toMatch(/^post sha256:[0-9a-f]{64}$/m);
    const held = await stage.asAda(["deploy", "--site", "told"], dir, env);
    expect(held).toMatchObject({ exitCode: 1 });
    expect(held.stderr).toContain("pre told 0\n");
    expect((await stage.asAda(["sites", "list", "--json"], dir)).stdout).not.toContain("told");
    const after = { LAND_HOOKS_POST_DEPLOY: "echo live $LAND_DEPLOY_ID $LAND_DEPLOY_URL; exit 1" };
    const deployed = await stage.asAda(["deploy", "--site", "told"], dir, after);
    expect(deployed).toMatchObject({ exitCode: 0 });
    expect(deployed.stderr).toMatch(/^live [a-z0-9]{10} http:\/\/told\./m);
    expect(deployed.stderr).toContain("warning: The hook hooks.postDeploy failed at postDeploy");
  });
});
