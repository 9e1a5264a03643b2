import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { appendFile, chmod } from "node:fs/promises";
import { join } from "node:path";

import { generateKeyPair } from "#pack/sign.ts";

import { land, startLand, temporaryFolder } from "../support/land.ts";
import { writeFiles } from "../support/project.ts";

test("a version signed by another key stops an add until the key is trusted", async () => {
  await using folder = await temporaryFolder("trust");
  const at = (...path: string[]): string => join(folder.path, ...path);
  await writeFiles(at(), { "laptop/.keep": "", "desk/.keep": "", "user/.keep": "" });
  await using server = await startLand({ data: at("data"), home: at("laptop") });
  const env = { LAND_REGISTRY: server.url };
  const input = "correct horse battery\n";
  const run = (home: string, args: string[], cwd = at(home)) =>
    land(args, { cwd, home: at(home), env, input });
  const manifest = (version: string): string => JSON.stringify({ name: "left", version });

  const who = ["--username", "ada", "--password-stdin"];
  await run("laptop", ["register", ...who, "--email", "ada@example.com"]);
  await writeFiles(at("left"), { "land.json": manifest("1.0.0") });
  expect(await run("laptop", ["publish"], at("left"))).toMatchObject({ exitCode: 0 });
  await writeFiles(at("app"), { "land.json": '{ "name": "app" }\n' });
  expect(await run("user", ["add", "left"], at("app"))).toMatchObject({ exitCode: 0 });
  const lock = await Bun.file(at("app/land.lock")).text();

  await run("desk", ["login", ...who]);
  await writeFiles(at("left"), { "land.json": manifest("1.1.0") });
  expect(await run("desk", ["publish"], at("left"))).toMatchObject({ exitCode: 0 });
  const refused = await run("user", ["add", "left@1.1.0", "--json"], at("app"));
  expect(refused.exitCode).toBe(12);
  expect(refused.json()).toMatchObject({
    code: "key_changed",
    hint: expect.stringContaining("land trust left"),
  });
  expect(await Bun.file(at("app/land.lock")).text()).toBe(lock);

  expect((await run("user", ["trust", "left"], at("app"))).exitCode).toBe(2);
  const trusted = await run("user", ["trust", "left", "--yes", "--json"], at("app"));
  expect(trusted.json<{ keys: string[] }>().keys).toHaveLength(2);
  expect(await run("user", ["add", "left@1.1.0"], at("app"))).toMatchObject({ exitCode: 0 });
  expect((await run("user", ["trust", "other", "--yes"], at("app"))).exitCode).toBe(1);
}, 60_000);

test("a pipeline signs with its own key; once that is revoked, an audit tells; a tree that was changed is mended", async () => {
  await using folder = await temporaryFolder("signed");
  const at = (...path: string[]): string => join(folder.path, ...path);
  await writeFiles(at(), {
    "ci/.keep": "",
    "user/.keep": "",
    "left/land.json": '{ "name": "left", "version": "1.0.0" }',
    "left/index.ts": "export const left = 1;\n",
    "app/land.json": '{ "name": "app" }\n',
  });
  await using server = await startLand({ data: at("data"), home: at("ci") });
  const call = (method: string, path: string, token: string, body?: object) =>
    fetch(`${server.url}/api/v1${path}`, {
      method,
      headers: {
        "content-type": "application/json",
        ...(token !== "" && { authorization: `Bearer ${token}` }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
  const account = { username: "ada", email: "ada@example.com", password: "correct horse battery" };
  const registered = await call("POST", "/users/register", "", account);
  const { token } = JSON.parse(await registered.text());
  const { privateKey, publicKey } = await generateKeyPair((size) => randomBytes(size));
  await call("POST", "/keys", token, { key: publicKey });

  const pipeline = { CI: "true", LAND_TOKEN: token, LAND_SIGNING_KEY: privateKey };
  const env = { LAND_REGISTRY: server.url };
  const published = await land(["publish", "--json"], {
    cwd: at("left"),
    home: at("ci"),
    env: { ...env, ...pipeline },
  });
  expect(published).toMatchObject({ exitCode: 0 });
  expect(await Bun.file(at("ci/.land/keys/signing-key")).exists()).toBe(false);

  const run = (...args: string[]) => land(args, { cwd: at("app"), home: at("user"), env });
  expect(await run("add", "left")).toMatchObject({ exitCode: 0 });
  const pins = await run("trust", "list", "--json");
  expect(pins.json()).toMatchObject({ packages: [{ name: "left", keys: [publicKey] }] });
  expect(await run("audit")).toMatchObject({ exitCode: 0, stdout: "1 package: 1 signed\n" });

  await call("DELETE", `/keys/${encodeURIComponent(publicKey)}`, token);
  const audited = await run("audit", "signatures", "--json");
  expect(audited.exitCode).toBe(12);
  expect(audited.json()).toMatchObject({ ok: false, packages: [{ status: "revoked" }] });

  expect(await run("verify")).toMatchObject({ exitCode: 0 });
  await chmod(at("app/land_modules/left/index.ts"), 0o644);
  await appendFile(at("app/land_modules/left/index.ts"), "evil();\n");
  const found = await run("verify", "--json");
  expect(found.exitCode).toBe(11);
  expect(found.json()).toMatchObject({
    ok: false,
    problems: [{ package: "left", path: "index.ts", problem: "was changed" }],
  });
  expect(await run("verify", "--repair", "--algorithm", "blake3")).toMatchObject({ exitCode: 0 });
  expect(await Bun.file(at("app/land_modules/left/index.ts")).text()).toBe(
    "export const left = 1;\n",
  );

  expect((await run("trust", "remove", "left")).exitCode).toBe(2);
  const left = await run("trust", "remove", "left", publicKey, "--yes", "--json");
  expect(left.json()).toEqual({ name: "left", keys: [] });
}, 60_000);
