import { expect, test } from "bun:test";
import { join } from "node:path";

import { landBinary } from "../support/binary.ts";
import { cleanEnvironment, temporaryFolder } from "../support/land.ts";
import { writeFiles } from "../support/project.ts";

test("the binary serves a folder, tells its pages of a change, and writes nothing", async () => {
  await using folder = await temporaryFolder("dev");
  await writeFiles(folder.path, { "home/.keep": "", "site/index.html": "<h1>one</h1>" });
  const home = join(folder.path, "home");
  await using child = Bun.spawn([await landBinary(), "dev", "--port", "0", "--json"], {
    cwd: join(folder.path, "site"),
    env: cleanEnvironment(home),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
  });
  const decoder = new TextDecoder();
  const output = child.stdout.getReader();
  const { url } = JSON.parse(decoder.decode((await output.read()).value));
  expect(await (await fetch(`${url}/`)).text()).toBe(
    '<h1>one</h1><script src="/.land/reload.js"></script>',
  );
  expect(await (await fetch(`${url}/.land/reload.js`)).text()).toContain("EventSource");
  const events = (await fetch(`${url}/.land/reload`)).body?.getReader();
  await events?.read();
  await writeFiles(folder.path, { "site/index.html": "<h1>two</h1>" });
  expect(decoder.decode((await events?.read())?.value)).toContain("event: build");
  expect(await (await fetch(`${url}/`)).text()).toStartWith("<h1>two</h1>");
  child.kill("SIGINT");
  expect(await child.exited).toBe(0);
  const left = [...new Bun.Glob("**/*").scanSync({ cwd: folder.path, dot: true })];
  expect(left.toSorted()).toEqual(["home/.keep", "site/index.html"]);
}, 60_000);
