import { expect, test } from "bun:test";
import { join } from "node:path";

import { cleanEnvironment, land, startLand, temporaryFolder } from "../support/land.ts";
import { writeFiles } from "../support/project.ts";

test("a command of a package runs, with what it needs, and `land run` runs a file of the project", async () => {
  await using folder = await temporaryFolder("bins");
  const at = (...path: string[]): string => join(folder.path, ...path);
  await writeFiles(at(), { "home/.keep": "" });
  const home = at("home");
  await using server = await startLand({ data: at("data"), home });
  const env = { LAND_REGISTRY: server.url };
  const run = (args: string[], cwd: string, input = "") => land(args, { cwd, home, env, input });
  await run(
    ["register", "--username", "ada", "--email", "a@example.com", "--password-stdin"],
    home,
    "correct horse battery\n",
  );
  await writeFiles(at("words"), {
    "package.json": JSON.stringify({
      name: "words",
      version: "1.0.0",
      exports: { ".": "./lib/index.ts", "./loud": "./lib/loud.ts" },
    }),
    "lib/index.ts": 'export const word: string = "hello";\n',
    "lib/loud.ts": 'import { word } from "./index.ts";\nexport const loud = word.toUpperCase();\n',
  });
  await writeFiles(at("greet"), {
    "land.json": JSON.stringify({
      name: "greet",
      version: "1.0.0",
      bin: { greet: "bin/greet.ts", shell: "bin/shell" },
      dependencies: { words: "^1.0.0" },
    }),
    "bin/greet.ts":
      'import { loud } from "words/loud";\nconsole.log(loud, process.argv.slice(2).join(" "), process.env.BUN_BE_BUN);\nprocess.exit(7);\n',
    "bin/shell": "#!/bin/sh\necho from a shell\n",
  });
  for (const name of ["words", "greet"])
    expect(await run(["publish", "--yes"], at(name))).toMatchObject({ exitCode: 0 });
  await writeFiles(at("app"), {
    "land.json": JSON.stringify({ name: "app", version: "1.0.0" }),
    "main.ts": 'import { word } from "words";\nconsole.log(word, import.meta.main);\n',
    "broken.ts": 'import "not-there";\n',
  });
  expect(await run(["add", "greet", "words"], at("app"))).toMatchObject({ exitCode: 0 });

  const spawn = (command: string, ...args: string[]) => {
    const child = Bun.spawnSync([at("app/land_modules/.bin", command), ...args], {
      cwd: home,
      env: cleanEnvironment(home),
    });
    return { exitCode: child.exitCode, stdout: child.stdout.toString() };
  };
  expect(spawn("greet", "you", "--loud")).toEqual({
    exitCode: 7,
    stdout: "HELLO you --loud undefined\n",
  });
  expect(spawn("shell")).toEqual({ exitCode: 0, stdout: "from a shell\n" });
  expect(await run(["run", "greet", "you", "--", "--loud"], at("app"))).toMatchObject({
    exitCode: 7,
    stdout: "HELLO you --loud undefined\n",
  });
  expect(await run(["run", "greeet"], at("app"))).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('a file or a command "greeet" in this project'),
  });

  expect(await run(["run", "main.ts"], at("app"))).toMatchObject({
    exitCode: 0,
    stdout: "hello true\n",
  });
  const broken = await run(["run", "broken.ts"], at("app"));
  expect(broken.exitCode).toBe(1);
  expect(broken.stderr).toContain("not-there");
  expect((await run(["run", "nothing.ts"], at("app"))).exitCode).toBe(1);
}, 60_000);
