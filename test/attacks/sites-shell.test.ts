import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { chmod, readdir } from "node:fs/promises";
import { join } from "node:path";

import { testCtx } from "#test/support/ctx.ts";
import { removeRecord } from "#tls/acme-dns.ts";

import { type TemporaryFolder, temporaryFolder } from "../support/land.ts";
import { siteWorld } from "./site-world.ts";
import { sources } from "./sources.ts";

setDefaultTimeout(60_000);

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder("shell");
});
afterAll(() => folder[Symbol.asyncDispose]());

/** Files that may start a program, each with its list of arguments. */
const SPAWNERS = [
  "commands/browser.ts",
  "commands/run-file.ts",
  "commands/service.ts",
  "commands/ui-window.ts",
  "plugins/notify.ts",
  "src/install/git.ts",
  "src/plugin/shell.ts",
  "src/remote/upgrade.ts",
  // The same binary, confined, with words that the server makes.
  "src/runtime/process/launch.ts",
  "src/runtime/sandbox/probes-files.ts",
  "src/runtime/sandbox/spawn.ts",
  "src/tls/acme-dns.ts",
];

test("shell injection: no source knows a shell", async () => {
  const shells =
    /\bBun\.\$|import\s*\{[^}]*\$[^}]*\}\s*from\s*"bun"|(?:^|[\s(=,;])\$`|\bexecSync\b|\bexecFile|node:child_process|\bshell:\s*true|\/bin\/(?:ba|da|z)?sh\b|["'`]-l?c["'`]|["'`]cmd(?:\.exe)?["'`]|powershell|\beval\(|new Function\(/;
  const known = [
    // What stands in a project's folder of programs, for a person to start: its words are quoted.
    "src/install/bins.ts: return `#!/bin/sh",
    // Options of git, not of a shell.
    'src/install/git.ts: const RUN_NOTHING = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"];',
    // The user's own line for a hook, from the user's own configuration: a shell is what it is written for. Events are data beside it.
    'src/plugin/shell.ts: : ["/bin/sh", "-c", command];',
    'src/plugin/shell.ts: ? ["cmd", "/d", "/s", "/c", `"${command}"`]',
  ];
  const wrong: string[] = [];
  const spawners: string[] = [];
  for (const [path, text] of await sources()) {
    for (const line of text.split("\n"))
      if (shells.test(line) && !/^\s*(?:\/\/|\/?\*)/.test(line))
        wrong.push(`${path}: ${line.trim()}`);
    if (/\bBun\.spawn|\bspawn(?:Sync)?\(/.test(text)) spawners.push(path);
  }
  expect(wrong.toSorted()).toEqual(known.toSorted());
  expect(spawners.toSorted()).toEqual(SPAWNERS);
});

/** Texts that a shell would obey. `MARK` is a file that it would make. */
const HOSTILE = [
  ";touch MARK",
  "$(touch MARK)",
  "`touch MARK`",
  "&& touch MARK",
  "|| touch MARK",
  "| touch MARK",
  "& touch MARK &",
  "\ntouch MARK\n",
  "' ; touch MARK ; '",
  '" ; touch MARK ; "',
  "$IFS$(touch${IFS}MARK)",
  "> MARK",
  "{touch,MARK}",
  "-rf MARK",
  "--help",
  "%0atouch MARK",
  "$HOME *?[a] ~root \\",
];

test("shell injection: acme.dnsHook gets hostile values as they are, one argument each", async () => {
  const told = join(folder.path, "told.json");
  const mark = join(folder.path, "mark");
  // A path that a shell would split and obey.
  const hook = join(folder.path, "a hook; touch mark $(id).ts");
  await Bun.write(
    hook,
    `#!${process.execPath}\nawait Bun.write(${JSON.stringify(told)}, JSON.stringify(process.argv.slice(2)));\n`,
  );
  await chmod(hook, 0o755);
  const ctx = await testCtx({ config: { "acme.dnsHook": hook } });
  for (const text of HOSTILE) {
    const record = {
      record: `_acme-challenge.${text.replace("MARK", mark)}`,
      value: text.replace("MARK", mark),
    };
    await removeRecord(ctx, record);
    expect(await Bun.file(told).json()).toEqual(["remove", record.record, record.value]);
  }
  expect(ctx.logged).toEqual([]);
  expect(existsSync(mark)).toBe(false);
  await ctx.close();
});

test("shell injection: no text that comes by the API starts anything", async () => {
  await using world = await siteWorld({ LAND_RATE_LIMIT: "off" });
  const { server, ada } = world;
  await world.deploy(ada, "blog", { "index.html": "blog" });
  const mark = join(folder.path, "mark-of-the-api");
  const call = (method: string, path: string, body?: unknown) =>
    server.call(method, path, { token: ada, ...(body !== undefined && { body }) });
  const before = await children();
  for (const hostile of HOSTILE) {
    const text = hostile.replace("MARK", mark);
    const part = encodeURIComponent(text);
    for (const [method, path, body] of [
      ["POST", "/sites", { name: text }],
      ["PATCH", "/sites/blog", { password: text }],
      ["PATCH", "/sites/blog", { protection: "none" }],
      ["PUT", `/sites/blog/members/${part}`, { role: "viewer" }],
      ["POST", "/sites/blog/domains", { host: `${text}.example.org` }],
      ["POST", `/sites/blog/domains/${part}`],
      ["POST", "/sites/blog/rollback", { deploy: text }],
      [
        "POST",
        "/sites/blog/deploys",
        { files: { [text]: { sha256: "0".repeat(64), size: 1 } }, message: text },
      ],
      ["POST", "/tokens", { name: text.slice(0, 60), scopes: ["deploy:blog"] }],
      ["GET", `/sites/${part}/traffic?days=${part}`],
      ["GET", `/sites/blog/logs?level=${part}&kind=${part}`],
    ] as const)
      expect([path, (await call(method, path, body)).status < 500]).toEqual([path, true]);
    // As a name of a file, and as what is said of a deploy.
    const taken = await world.deploy(ada, "blog", { "index.html": text }, { message: text });
    expect(taken.live).toBe(true);
    await world.ask("blog.localhost", `/${part}`, [`User-Agent: ${text.replaceAll("\n", " ")}`]);
  }
  expect(existsSync(mark)).toBe(false);
  expect(await children()).toEqual(before);
  expect(/"event":"bug".*/.exec(server.log())?.[0]).toBeUndefined();
});

/** The processes that this one has started and that still run. */
async function children(): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const stat = await Bun.file(`/proc/${pid}/stat`)
      .text()
      .catch(() => "");
    const parent = /^\d+ \(.*\) \S (\d+)/s.exec(stat)?.[1];
    if (parent === String(process.pid)) found.push(pid);
  }
  return found.toSorted();
}
