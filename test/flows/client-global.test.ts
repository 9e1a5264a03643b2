import { afterAll, beforeAll, expect, test } from "bun:test";
import { rm, stat, symlink } from "node:fs/promises";
import { join } from "node:path";

import { buildBinary, findEntrypoints, hostTarget } from "../../build.ts";
import { landBinary } from "../support/binary.ts";
import { type ClientStage, clientStage } from "../support/client-stage.ts";
import { cleanEnvironment } from "../support/land.ts";
import { hashTree } from "../support/project.ts";

/** Packages that bring commands, installed for the user. */
let stage: ClientStage;
beforeAll(async () => {
  stage = await clientStage("global");
  await stage.publish({ name: "words", version: "1.0.0" }, tool("1.0.0"));
}, 30_000);
afterAll(() => stage[Symbol.asyncDispose](), 30_000);

const tool = (version: string) => ({
  name: "tool",
  version,
  bin: { tool: "bin/tool.ts" },
  dependencies: { words: "*" },
  files: {
    "bin/tool.ts": `import { name } from "words";\nconsole.log("${version}", name, ...process.argv.slice(2));\n`,
  },
});

/** Runs what PATH finds, from the home of the user; the exit code where there is no such command. */
function typed(...command: string[]): string {
  const home = stage.at("user");
  const env = cleanEnvironment(home);
  const path = `${join(home, ".land/bin")}:${env["PATH"]}`;
  const ran = Bun.spawnSync(["sh", "-c", command.join(" ")], {
    cwd: home,
    env: { ...env, PATH: path },
  });
  return ran.exitCode === 0 ? ran.stdout.toString() : String(ran.exitCode);
}

const homeFile = (name: string) => Bun.file(stage.at("user/.land", name));

test("a tool is installed for the user, run by its name, updated, and taken away", async () => {
  await stage.done("install -g tool");
  expect(typed("tool", "a", "b")).toBe("1.0.0 words@1.0.0 a b\n");
  await stage.publish(tool("1.1.0"));
  expect((await stage.done("update -g --json")).json()).toMatchObject({
    changed: [{ name: "tool", version: "1.1.0", from: "1.0.0" }],
  });
  expect(typed("tool")).toBe("1.1.0 words@1.0.0\n");

  await stage.publish({ ...tool("1.0.0"), name: "rival" });
  const before = await hashTree(stage.at("user/.land/packages"));
  const state = await homeFile("state.json").text();
  const taken = await stage.run("install -g rival --json");
  expect(taken.exitCode).toBe(1);
  expect(taken.json()).toMatchObject({ code: "bin_taken", data: { bin: "tool" } });
  expect(await hashTree(stage.at("user/.land/packages"))).toEqual(before);
  expect(await homeFile("state.json").text()).toBe(state);
  expect(typed("tool")).toStartWith("1.1.0 ");

  expect((await stage.done("verify -g --json")).json()).toMatchObject({ ok: true });
  await stage.done("uninstall -g tool");
  expect(typed("tool")).toBe("127");
  expect(await hashTree(stage.at("user/.land/packages"))).toEqual({});
  await stage.done("install -g rival");
  expect(typed("tool")).toStartWith("1.0.0 ");
  await stage.done("uninstall -g rival");
}, 60_000);

test("two versions of land share a home, and what only one knows of its state stays", async () => {
  const other = stage.at("other/land");
  await Bun.write(stage.at("other/.keep"), "");
  await buildBinary({
    target: hostTarget(),
    outfile: other,
    packages: join(import.meta.dir, "../.."),
    entrypoints: findEntrypoints(),
    version: "9.8.7",
  });
  const by = async (binary: string, line: string): Promise<string> => {
    const ran = Bun.spawnSync([binary, ...line.split(" ")], {
      cwd: stage.at(),
      env: cleanEnvironment(stage.at("user"), { LAND_REGISTRY: stage.url }),
    });
    expect({ line, code: ran.exitCode, stderr: ran.stderr.toString() }).toMatchObject({
      line,
      code: 0,
    });
    return ran.stdout.toString();
  };
  const own = await landBinary();
  expect(await by(other, "--version")).toBe("9.8.7\n");
  expect(await by(own, "--version")).not.toBe("9.8.7\n");

  await by(other, "install -g tool@1.0.0");
  const state = await homeFile("state.json").json();
  state.later = { kept: [1, 2] };
  state.globals[0].later = "kept";
  await Bun.write(stage.at("user/.land/state.json"), JSON.stringify(state));
  await stage.project("app", { words: "*" });
  await by(own, "install --cwd app");
  await by(own, "update -g --latest");
  await by(other, "list -g");
  expect(await homeFile("state.json").json()).toMatchObject({
    version: 1,
    later: { kept: [1, 2] },
    globals: [{ name: "tool", version: "1.1.0", later: "kept" }],
    projects: [{ dir: expect.stringMatching(/app$/) }],
  });
  await by(other, "verify -g");
  const verified = await stage.run("verify -g --json");
  expect(verified.exitCode).toBe(0);
  expect(verified.json()).toMatchObject({
    ok: true,
    notes: [
      {
        package: "tool",
        path: ".bin/tool",
        note: expect.stringMatching(/^is run by another land, .*other.land$/),
      },
    ],
  });
  // Where the land that laid a command is gone, that of PATH runs it.
  await rm(other);
  await symlink(own, stage.at("user/.land/bin/land"));
  expect(typed("tool")).toStartWith("1.1.0 ");
  await by(own, "uninstall -g tool");
  expect(typed("tool")).toBe("127");
  expect(typed("land", "--version")).toBe(await by(own, "--version"));
  expect((await stat(stage.at("user/.land/state.json"))).mode & 0o077).toBe(0);
}, 90_000);
