import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { $ } from "bun";

import { completeWords } from "#commands/complete.ts";
import type { World } from "#commands/context.ts";
import { processWorld } from "#commands/world.ts";
import { type FakeRegistry, fakeRegistry, problem } from "#test/support/fake-registry.ts";
import { writeFiles } from "#test/support/project.ts";

import { run } from "./world.ts";

const MAIN = join(import.meta.dir, "..", "..", "src", "main.ts");

const outside = processWorld([]);
let root: string;
let registry: FakeRegistry;
let env: Record<string, string>;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "land-complete-"));
  registry = await fakeRegistry();
  await writeFiles(root, {
    "bin/land": `#!/bin/sh\nexec ${process.execPath} ${MAIN} "$@"\n`,
    "app/land.json": JSON.stringify({ dependencies: { left: "^1.0.0", "@ada/greet": "1" } }),
    "app/sub-folder/file.ts": "",
    "app/some.ts": "",
  });
  await $`chmod 755 ${join(root, "bin/land")}`;
  env = {
    PATH: `${join(root, "bin")}:/usr/local/bin:/usr/bin:/bin`,
    HOME: join(root, "user"),
    LAND_HOME: join(root, "home"),
    LAND_REGISTRY: registry.url,
    TERM: "dumb",
  };
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});

/** What may stand in the place of the last of these words. */
async function complete(line: string, more: Record<string, string> = {}): Promise<string[]> {
  const world: World = { ...outside, env: { ...env, ...more }, cwd: join(root, "app") };
  const { mode, words } = await completeWords(world, line.split(" "));
  return mode === "words" ? words.map(({ text }) => text) : [mode];
}

test("commands and their further words", async () => {
  expect(await complete("ins")).toEqual(["install"]);
  expect(await complete("sites m")).toEqual(["maintenance", "members"]);
  expect(await complete("sites members ")).toContain("add");
  expect(await complete("help sites cr")).toEqual(["create"]);
  expect(await complete("--registry http://x --json whoa")).toEqual(["whoami"]);
  expect(await complete("nonsense ")).toEqual([]);
});

test("flags that were not given yet, and their values", async () => {
  expect(await complete("publish --dr")).toEqual(["--dry-run"]);
  expect(await complete("publish --dry-run --dr")).toEqual([]);
  expect(await complete("publish --no-c")).toEqual(["--no-color"]);
  expect(await complete("install --resolution ")).toEqual(["highest", "lowest"]);
  expect(await complete("install --resolution=l")).toEqual(["--resolution=lowest"]);
  expect(await complete("install --cwd ")).toEqual(["folders"]);
  expect(await complete("completions z")).toEqual(["zsh"]);
  expect(await complete("config get network.c")).toContain("network.concurrency");
});

test("files and folders are the shell's to list", async () => {
  expect(await complete("run ")).toEqual(["files"]);
  expect(await complete("deploy ")).toEqual(["folders"]);
});

test("names of packages that the project asks for", async () => {
  expect(await complete("remove ")).toEqual(["left", "@ada/greet"]);
  expect(await complete("remove @a")).toEqual(["@ada/greet"]);
  expect(await complete("remove left @a")).toEqual(["@ada/greet"]);
  expect(await complete(`--cwd ${root}/app remove le`)).toEqual(["left"]);
});

test("packages of the registry are asked for once, and then known for a while", async () => {
  const items = ["left", "left-pad"].map((name) => ({
    name,
    version: "1.0.0",
    description: "Two\nlines\u001b[31m",
    license: null,
    keywords: [],
    downloads: 0,
    deprecated: null,
    updatedAt: "2026-01-01T00:00:00.000Z",
    publishedBy: "ada",
  }));
  registry.fail("GET /api/v1/packages", () => Response.json({ items, next: null }));
  expect(await complete("add lef")).toEqual(["left", "left-pad"]);
  const asked = registry.requests.length;
  expect(await complete("add lef")).toEqual(["left", "left-pad"]);
  expect(registry.requests).toHaveLength(asked);
});

test("a registry that fails, lies or does not answer shows nothing, soon", async () => {
  registry.fail("GET /api/v1/packages", () => problem(500, "internal"), 9);
  expect(await complete("add never")).toEqual([]);
  const answered = Promise.withResolvers<Response>();
  registry.mend();
  registry.fail("GET /api/v1/packages", () => answered.promise, 9);
  // However long commands wait: nobody at a prompt does.
  const patient = { ...env, LAND_NETWORK_ANSWER_SECONDS: "600" };
  const { stdout } = await $`${process.execPath} ${MAIN} __complete add slow`.env(patient).quiet();
  expect(stdout.toString()).toBe("words\n");
  answered.resolve(new Response("late"));
  registry.mend();
});

test("registries that are known", async () => {
  await writeFiles(root, {
    "home/credentials.json": JSON.stringify({
      version: 1,
      registries: { "https://one.example": { user: "ada", token: "x" } },
    }),
  });
  expect(await complete("install --registry ")).toEqual([registry.url, "https://one.example"]);
});

/** What bash puts in COMPREPLY for a line. */
async function inBash(line: string): Promise<string[]> {
  const script = `source <(land completions bash)
COMP_LINE="$1"; COMP_POINT=\${#1}
_land 2>/dev/null
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await $`bash --norc -c ${script} bash ${line}`
    .env(env)
    .cwd(join(root, "app"))
    .quiet();
  return stdout.toString().split("\n").filter(Boolean);
}

test("bash completes, also behind the signs at which readline parts words", async () => {
  expect(await inBash("land ins")).toEqual(["install"]);
  expect(await inBash("land install --resolution=hi")).toEqual(["highest"]);
  expect(await inBash("land remove @ada/g")).toEqual(["@ada/greet"]);
  expect(await inBash("land remove ")).toEqual(["left", "@ada/greet"]);
});

/** What a terminal shows after a line was typed into a shell and Tab was pressed. */
async function atTerminal(
  shell: string[],
  setUp: string,
  line: string,
  until: RegExp,
): Promise<string> {
  let shown = "";
  const found = Promise.withResolvers<void>();
  const ready = Promise.withResolvers<void>();
  const decoder = new TextDecoder();
  const child = Bun.spawn(shell, {
    cwd: join(root, "app"),
    env: { ...env, TERM: "xterm", PS1: "> " },
    terminal: {
      cols: 100,
      rows: 30,
      data(_terminal, bytes) {
        shown += decoder.decode(bytes);
        if (/is-ready-now/.test(shown.replace("'is-ready'-now", ""))) ready.resolve();
        if (until.test(shown.slice(shown.lastIndexOf("is-ready-now")))) found.resolve();
      },
    },
  });
  child.terminal?.write(`${setUp}; echo 'is-ready'-now\n`);
  await ready.promise;
  child.terminal?.write(`${line}\t`);
  const late = setTimeout(() => found.reject(new Error(`it showed: ${shown}`)), 45_000);
  await found.promise.finally(() => {
    clearTimeout(late);
    child.kill("SIGKILL");
  });
  return shown;
}

const required = (process.env["LAND_TEST_REQUIRE"] ?? "").split(",");
for (const [name, command, setUp] of [
  ["bash", ["bash", "--norc", "--noprofile", "-i"], "source <(land completions bash)"],
  ["zsh", ["zsh", "-f", "-i"], "source <(land completions zsh)"],
  ["fish", ["fish", "--no-config", "-i"], "land completions fish | source"],
] as const)
  test.skipIf(Bun.which(name) === null && !required.includes("shells"))(
    `${name} completes at a terminal`,
    async () => {
      await atTerminal([...command], setUp, "land remove @ad", /@ada\/greet/);
      await atTerminal([...command], setUp, "land whoa", /whoami/);
      await atTerminal([...command], setUp, "land deploy sub", /sub-folder/);
    },
    60_000,
  );

test("the script is printed, or put where the shell looks for it; a file of others stays", async () => {
  const home = join(root, "installs");
  const at = { home, env: { SHELL: "/usr/bin/fish" } };
  const path = join(home, ".config/fish/completions/land.fish");
  expect((await run(["completions"], at)).stdout).toContain("complete -c land");
  expect((await run(["completions", "--install", "--json"], at)).json()).toEqual({
    shell: "fish",
    path,
  });
  expect((await stat(path)).size).toBeGreaterThan(100);
  expect((await run(["completions", "--install"], at)).exitCode).toBe(0);
  await Bun.write(path, "# mine");
  expect(await run(["completions", "fish", "--install"], at)).toMatchObject({ exitCode: 2 });
  expect(await Bun.file(path).text()).toBe("# mine");
  expect((await run(["completions", "tcsh"])).stderr).toContain("only in bash, zsh, fish");
});
