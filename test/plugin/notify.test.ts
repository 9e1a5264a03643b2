import { describe, expect, test } from "bun:test";

import { pluginWords } from "#commands/plugin-words.ts";
import { bundledCommands } from "#plugins/all.ts";
import { run } from "#test/commands/world.ts";
import { type InstallWorld, installWorld } from "#test/install/world.ts";
import { writeFiles } from "#test/support/project.ts";

import { land, licensedWorld } from "./licensed.ts";

describe("notify", () => {
  const hookOf = async (
    world: InstallWorld,
    settings: object,
    answer: () => Response | Promise<Response>,
  ) => {
    const bodies: unknown[] = [];
    await using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch(request) {
        bodies.push(await request.json());
        return answer();
      },
    });
    const url = `${server.url.origin}/secret-path`;
    const ran = await land(world, ["install"], { plugins: { notify: { url, ...settings } } });
    await server.stop(true);
    return { ran, bodies };
  };
  const fine = () => new Response("ok");

  test("posts what was installed, in the form of the service", async () => {
    await using world = await licensedWorld();
    const { ran, bodies } = await hookOf(world, {}, fine);
    expect(ran).toMatchObject({ exitCode: 0 });
    expect(bodies).toMatchObject([
      {
        event: "postInstall",
        text: expect.stringMatching(/^Installed 4 packages in .*: @ada\/greet@1\.0\.0, /),
        at: "2026-03-01T12:00:00.500Z",
        packages: [{ name: "@ada/greet", version: "1.0.0" }, {}, {}, {}],
      },
    ]);
    for (const [format, key] of [
      ["slack", "text"],
      ["discord", "content"],
    ] as const) {
      await using other = await licensedWorld();
      const told = await hookOf(other, { format }, fine);
      expect(told.bodies).toMatchObject([{ [key]: expect.stringContaining("Installed") }]);
    }
  });

  test("never fails the command, nor shows the address", async () => {
    await using world = await licensedWorld();
    const { ran } = await hookOf(world, {}, () => new Response("", { status: 500 }));
    expect(ran).toMatchObject({ exitCode: 0 });
    expect(ran.stderr).toMatch(/warning: Cannot notify 127\.0\.0\.1:\d+: it answered 500/);
    expect(ran.stderr).not.toContain("secret-path");
    await using other = await licensedWorld();
    const moved = await hookOf(other, {}, () => Response.redirect("http://127.0.0.1:1/"));
    expect(moved.ran.stderr).toContain("not reached");
  });

  test("settings that are wrong are warned of", async () => {
    for (const [settings, problem] of [
      [{ url: "ftp://x" }, "url is no address"],
      [{ url: "https://x.example", format: "xml" }, "format is none of"],
      [{ url: "https://x.example", events: ["preInstall"] }, "events is no list of"],
      [{ desktop: 1 }, "desktop is neither"],
    ] as const) {
      await using world = await licensedWorld();
      const ran = await land(world, ["install"], { plugins: { notify: settings } });
      expect(ran).toMatchObject({ exitCode: 0 });
      expect(ran.stderr).toContain(problem);
    }
  });
});

describe("completions", () => {
  test("know the commands of plugins without running one", async () => {
    await using world = await installWorld();
    const record = {
      file: "x.ts",
      sha256: "x",
      source: "x",
      addedAt: "x",
      commands: ["xylophone"],
    };
    await writeFiles(world.at("h"), {
      ".land/plugins/x.ts": "throw new Error('it ran')",
      ".land/plugins/plugins.json": JSON.stringify({ version: 1, plugins: { x: record } }),
    });
    const setting = { home: world.at("h") };
    const words = await pluginWords({ env: {}, cwd: "/", ...setting });
    expect(words.map(({ text }) => text)).toEqual(["licenses", "sbom", "xylophone"]);
    expect(await pluginWords({ env: { LAND_NO_PLUGINS: "1" }, cwd: "/", ...setting })).toEqual([]);
    const { stdout } = await run(["plugin", "list", "--json"], { home: world.at("empty") });
    const { plugins }: { plugins: { commands: string[] }[] } = JSON.parse(stdout);
    expect(plugins.flatMap(({ commands }) => commands)).toEqual([...bundledCommands]);
  });
});
