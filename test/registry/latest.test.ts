import { afterEach, beforeEach, expect, test } from "bun:test";

import { deprecate } from "#registry/deprecate.ts";
import { addOwner, listOwners, removeOwner } from "#registry/owners.ts";
import { readPackage, readVersion } from "#registry/read.ts";
import { deleteTag, writeTag } from "#registry/tags.ts";
import { unyank, yank } from "#registry/yank.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { codeOf, makeToken, type Person, signUp } from "#test/support/people.ts";

import { put } from "./uploads.ts";

let ctx: TestCtx;
let ada: Person;
let bob: Person;
beforeEach(async () => {
  ctx = await testCtx({ config: { registration: "open" } });
  ada = await signUp(ctx, "ada");
  bob = await signUp(ctx, "bob");
});
afterEach(() => ctx.close());

const latest = async () => (await readPackage(ctx, undefined, "left")).tags["latest"];

/** `+1.0.0` publishes, `-1.0.0` yanks, `~1.0.0` takes the yank back, `=1.0.0` sets latest by hand. */
async function play(step: string): Promise<void> {
  const version = step.slice(1);
  if (step.startsWith("+")) await put(ctx, ada, { version });
  if (step.startsWith("-")) await yank(ctx, ada.actor, "left", version);
  if (step.startsWith("~")) await unyank(ctx, ada.actor, "left", version);
  if (step.startsWith("="))
    await writeTag(ctx, ada.actor, { name: "left", tag: "latest", version });
}

test.each([
  ["+1.0.0", "1.0.0"],
  ["+1.0.0 +2.0.0", "2.0.0"],
  ["+2.0.0 +1.0.0", "2.0.0"],
  ["+1.0.0-beta.1", "1.0.0-beta.1"],
  ["+1.0.0-beta.2 +1.0.0-beta.10", "1.0.0-beta.10"],
  ["+1.0.0 +2.0.0-beta.1", "1.0.0"],
  ["+2.0.0-beta.1 +1.0.0", "1.0.0"],
  ["+1.0.0 +2.0.0 -2.0.0", "1.0.0"],
  ["+1.0.0 +2.0.0 -2.0.0 ~2.0.0", "2.0.0"],
  ["+1.0.0 +2.0.0 -1.0.0", "2.0.0"],
  ["+1.0.0 +2.0.0-beta.1 -1.0.0", "2.0.0-beta.1"],
  ["+1.0.0 -1.0.0", undefined],
  ["+1.0.0 -1.0.0 ~1.0.0", "1.0.0"],
  ["+1.0.0 -1.0.0 +0.9.0", "0.9.0"],
  ["+1.0.0 +2.0.0 =1.0.0", "1.0.0"],
  ["+1.0.0 +2.0.0 =1.0.0 +3.0.0", "1.0.0"],
  ["+1.0.0 +1.5.0 +2.0.0 =1.0.0 -2.0.0", "1.0.0"],
  ["+1.0.0 +1.5.0 +2.0.0 =1.0.0 -2.0.0 ~2.0.0", "1.0.0"],
  ["+1.0.0 +2.0.0 =1.0.0 -1.0.0", "1.0.0"],
])("%s leaves latest at %p", async (steps, expected) => {
  for (const step of steps.split(" ")) await play(step);
  expect(await latest()).toBe(expected);
});

test("what describes the package follows latest", async () => {
  await put(ctx, ada, { version: "1.0.0", manifest: { description: "old" } });
  await put(ctx, ada, { version: "2.0.0", manifest: { description: "new" } });
  expect((await readPackage(ctx, undefined, "left")).description).toBe("new");
  await yank(ctx, ada.actor, "left", "2.0.0");
  expect((await readPackage(ctx, undefined, "left")).description).toBe("old");
});

test("yanking twice is yanking once", async () => {
  const events: string[] = [];
  ctx.hooks.on("version.yanked", ({ version }) => void events.push(`-${version}`));
  ctx.hooks.on("version.unyanked", ({ version }) => void events.push(`~${version}`));
  await put(ctx, ada, {});
  for (const step of ["-1.0.0", "-1.0.0", "~1.0.0", "~1.0.0"]) await play(step);
  expect(events).toEqual(["-1.0.0", "~1.0.0"]);
  expect(await readVersion(ctx, undefined, "left", "1.0.0")).toMatchObject({ yanked: false });
});

test("who may yank", async () => {
  await put(ctx, ada, {});
  const tries = [
    [bob, "not_owner"],
    [await makeToken(ctx, ada, "publish"), "scope_missing"],
    [await makeToken(ctx, bob, "yank"), "not_owner"],
    [await makeToken(ctx, ada, "yank"), "done"],
  ] as const;
  for (const [{ actor }, code] of tries)
    expect(await codeOf(() => yank(ctx, actor, "left", "1.0.0"))).toBe(code);
  for (const version of ["latest", "^1.0.0", "2.0.0", "", "__proto__"])
    expect(await codeOf(() => yank(ctx, ada.actor, "left", version))).toBe("version_not_found");
  expect(await codeOf(() => yank(ctx, ada.actor, "right", "1.0.0"))).toBe("package_not_found");
});

test("a spec means a version, then a tag, then the highest in a range that is not yanked", async () => {
  for (const version of ["1.0.0", "1.5.0", "2.0.0", "3.0.0-rc.1"]) await put(ctx, ada, { version });
  await writeTag(ctx, ada.actor, { name: "left", tag: "next", version: "3.0.0-rc.1" });
  await yank(ctx, ada.actor, "left", "1.5.0");
  const means = async (spec: string): Promise<string> =>
    (await readVersion(ctx, undefined, "left", spec)).version;
  const specs = {
    "1.5.0": "1.5.0",
    latest: "2.0.0",
    next: "3.0.0-rc.1",
    "^1.0.0": "1.0.0",
    "1.x || 2": "2.0.0",
    "*": "2.0.0",
    ">=3.0.0-0": "3.0.0-rc.1",
  };
  for (const [spec, version] of Object.entries(specs))
    expect({ spec, version: await means(spec) }).toEqual({ spec, version });
  for (const spec of ["9.9.9", "^9", "nope", "toString", "__proto__", "\0", ">".repeat(5000)])
    expect(await codeOf(() => means(spec))).toBe("version_not_found");
});

test("tags", async () => {
  await put(ctx, ada, {});
  const set = (tag: string, version = "1.0.0", person = ada) =>
    codeOf(() => writeTag(ctx, person.actor, { name: "left", tag, version }));
  expect(await set("beta")).toBe("done");
  expect(await set("beta", "2.0.0")).toBe("version_not_found");
  expect(await set("beta", "1.0.0", bob)).toBe("not_owner");
  for (const tag of ["1.0.0", "v1", "1.x", "x", "*", "download", "tags", "owners", "a b", ""])
    expect({ tag, code: await set(tag) }).toEqual({ tag, code: "name_invalid" });
  const remove = (tag: string) => codeOf(() => deleteTag(ctx, ada.actor, { name: "left", tag }));
  expect(await remove("latest")).toBe("tag_fixed");
  expect(await remove("nope")).toBe("not_found");
  expect(await remove("beta")).toBe("done");
  expect((await readPackage(ctx, undefined, "left")).tags).toEqual({ latest: "1.0.0" });
});

test("a package keeps at least one owner", async () => {
  await put(ctx, ada, {});
  const target = (user: string) => ({ name: "left", user });
  expect(await codeOf(() => addOwner(ctx, bob.actor, target("bob")))).toBe("not_owner");
  expect(await codeOf(() => addOwner(ctx, ada.actor, target("nobody")))).toBe("not_found");
  expect(await codeOf(() => removeOwner(ctx, ada.actor, target("ada")))).toBe("last_owner");
  expect(await codeOf(() => removeOwner(ctx, ada.actor, target("bob")))).toBe("not_found");
  const program = await makeToken(ctx, ada, "publish", "yank");
  expect(await codeOf(() => addOwner(ctx, program.actor, target("bob")))).toBe("scope_missing");
  await addOwner(ctx, ada.actor, target("bob"));
  await addOwner(ctx, ada.actor, target("bob"));
  expect((await listOwners(ctx, undefined, "left")).items).toEqual([
    { user: "ada" },
    { user: "bob" },
  ]);
  const codes = await Promise.all(
    [ada, bob].map(({ actor }) => codeOf(() => removeOwner(ctx, actor, target(actor.name)))),
  );
  expect(codes.toSorted()).toEqual(["done", "last_owner"]);
});

test("a deprecation says what to whom, and is taken back by silence", async () => {
  for (const version of ["1.0.0", "1.1.0", "2.0.0", "2.1.0-rc.1"]) await put(ctx, ada, { version });
  const say = (range: string, message: string, person = ada) =>
    codeOf(() => deprecate(ctx, person.actor, { name: "left", range, message }));
  const said = async () =>
    (await readPackage(ctx, undefined, "left")).versions.map(({ deprecated }) => deprecated);
  expect(await say("^1.0.0", "use 2")).toBe("done");
  expect(await said()).toEqual([null, null, "use 2", "use 2"]);
  expect(await say("*", "gone")).toBe("done");
  expect(await said()).toEqual(["gone", "gone", "gone", "gone"]);
  expect(await say("*", "")).toBe("done");
  expect(await said()).toEqual([null, null, null, null]);
  expect(await say("^9", "x")).toBe("version_not_found");
  expect(await say("nope", "x")).toBe("invalid_input");
  expect(await say("*", "x".repeat(1025))).toBe("invalid_input");
  expect(await say("*", "x", bob)).toBe("not_owner");
});

test("a server of members shows nothing to others", async () => {
  await put(ctx, ada, {});
  const closed = { ...ctx, config: { ...ctx.config, access: "members" as const } };
  expect(await codeOf(() => readPackage(closed, undefined, "left"))).toBe("package_not_found");
  expect(await codeOf(() => readPackage(closed, bob.actor, "left"))).toBe("done");
  const deployer = await makeToken(ctx, bob, "deploy:blog");
  expect(await codeOf(() => readPackage(closed, deployer.actor, "left"))).toBe("package_not_found");
});
