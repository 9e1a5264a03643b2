import { afterEach, beforeEach, expect, test } from "bun:test";

import {
  anything,
  assert as check,
  asyncProperty,
  constantFrom,
  dictionary,
  oneof,
  record,
  string,
} from "fast-check";

import { addKey, revokeKey } from "#accounts/keys.ts";
import { parsePackageName, parseVersion } from "#base/names.ts";
import { goodArchive, hostileArchives } from "#fixtures/archives.ts";
import { digestBytes } from "#pack/digest.ts";
import { generateKeyPair, signVersion } from "#pack/sign.ts";
import { checkData } from "#registry/check.ts";
import { addOwner } from "#registry/owners.ts";
import { publish } from "#registry/publish.ts";
import { readPackage, readReadme, readVersion } from "#registry/read.ts";
import { yank } from "#registry/yank.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { codeOf, makeToken, type Person, signUp } from "#test/support/people.ts";

import { leftovers, partsOf, put, stage } from "./uploads.ts";

let ctx: TestCtx;
let ada: Person;
let bob: Person;
beforeEach(async () => {
  ctx = await testCtx({ config: { registration: "open" } });
  ada = await signUp(ctx, "ada");
  bob = await signUp(ctx, "bob");
});
afterEach(async () => {
  expect(await leftovers(ctx)).toEqual([]);
  expect(await checkData(ctx)).toEqual([]);
  await ctx.close();
});

test("a version is stored as its archive tells", async () => {
  const about = {
    name: "left",
    version: "1.2.3",
    manifest: {
      description: "Pads",
      license: "MIT",
      keywords: ["pad"],
      dependencies: { right: "^1.0.0" },
      optionalDependencies: { maybe: "*" },
      peerDependencies: { host: ">=1" },
      engines: { land: ">=0.1.0" },
      bin: { left: "left.ts" },
      repository: "https://example.com/left",
    },
    files: { "left.ts": "1", "README.md": "# Left" },
  };
  const events: unknown[] = [];
  ctx.hooks.on("version.published", (event) => void events.push(event));
  const { bytes } = partsOf(about);
  const version = await put(ctx, ada, about);
  const digests = await digestBytes(bytes);
  expect(version).toEqual({
    name: "left",
    version: "1.2.3",
    description: "Pads",
    license: "MIT",
    ...digests,
    sizeBytes: bytes.length,
    unpackedBytes: version.unpackedBytes,
    dependencies: { right: "^1.0.0" },
    optionalDependencies: { maybe: "*" },
    peerDependencies: { host: ">=1" },
    engines: { land: ">=0.1.0" },
    bin: { left: "left.ts" },
    key: null,
    sig: null,
    yanked: false,
    deprecated: null,
    publishedAt: "2026-03-01T12:00:00.000Z",
    publishedBy: "ada",
  });
  expect(await readPackage(ctx, undefined, "left")).toMatchObject({
    name: "left",
    description: "Pads",
    keywords: ["pad"],
    repository: "https://example.com/left",
    tags: { latest: "1.2.3" },
    owners: ["ada"],
    versions: [version],
    downloads: 0,
  });
  expect(await readReadme(ctx, undefined, "left", "1.2.3")).toEqual({
    path: "README.md",
    text: "# Left",
  });
  expect(events).toEqual([{ name: "left", version: "1.2.3", user: "ada" }]);
});

test("a version is there once, also when it was yanked", async () => {
  await put(ctx, ada, {});
  expect(await codeOf(() => put(ctx, ada, {}))).toBe("version_exists");
  await yank(ctx, ada.actor, "left", "1.0.0");
  expect(await codeOf(() => put(ctx, ada, { files: { a: "new" } }))).toBe("version_exists");
});

test("a package takes versions from its owners alone", async () => {
  await put(ctx, ada, {});
  expect(await codeOf(() => put(ctx, bob, { version: "1.0.1" }))).toBe("not_owner");
  await addOwner(ctx, ada.actor, { name: "left", user: "bob" });
  await put(ctx, bob, { version: "1.0.1" });
  const { versions } = await readPackage(ctx, undefined, "left");
  expect(versions.map(({ publishedBy }) => publishedBy)).toEqual(["bob", "ada"]);
});

test("a scope belongs to the account of that name, and to no admin", async () => {
  await put(ctx, bob, { name: "@bob/x" });
  expect(ada.actor.isAdmin).toBe(true);
  expect(await codeOf(() => put(ctx, ada, { name: "@bob/y" }))).toBe("scope_foreign");
  expect(await codeOf(() => put(ctx, ada, { name: "@nobody/y" }))).toBe("scope_foreign");
  expect(await codeOf(() => put(ctx, ada, { name: "@bob/x", version: "2.0.0" }))).toBe("not_owner");
});

test.each([
  ["my-lib", "my_lib", "name_too_similar"],
  ["my-lib", "mylib", "name_too_similar"],
  ["my-lib", "my.l-ib", "name_too_similar"],
  ["my-lib", "my-libs", "done"],
  ["@bob/my-lib", "@bob/mylib", "name_too_similar"],
  ["my-lib", "@bob/my-lib", "done"],
])("with %s there, a new %s is: %s", async (first, second, code) => {
  await put(ctx, bob, { name: first });
  expect(await codeOf(() => put(ctx, bob, { name: second }))).toBe(code);
});

test.each(["Left", "../x", "con", "node_modules", "-x", "__proto__", "a".repeat(65)])(
  "the name %s is refused",
  async (name) => {
    expect(await codeOf(() => put(ctx, ada, { name }))).toBe("manifest_invalid");
  },
);

test.each(["v1.0.0", "1.0", "1.0.0+build", "01.0.0", ""])(
  "the version %p is refused",
  async (version) => {
    expect(await codeOf(() => put(ctx, ada, { version }))).toBe("manifest_invalid");
  },
);

test.each([
  ["publish", "left", "done"],
  ["publish:left", "left", "done"],
  ["publish:left", "right", "scope_missing"],
  ["publish:@ada/*", "@ada/x", "done"],
  ["publish:@ada/*", "left", "scope_missing"],
  ["read", "left", "scope_missing"],
  ["yank", "left", "scope_missing"],
])("a token with %s publishes %s: %s", async (scope, name, code) => {
  const program = await makeToken(ctx, ada, scope);
  expect(await codeOf(() => put(ctx, program, { name }))).toBe(code);
});

test("a signature must be of a key of the account, over these bytes", async () => {
  const mine = await generateKeyPair(ctx.random);
  const theirs = await generateKeyPair(ctx.random);
  await addKey(ctx, ada.actor, { key: mine.publicKey });
  await addKey(ctx, bob.actor, { key: theirs.publicKey });
  const { digest } = await digestBytes(partsOf({}).bytes);
  const signed = { name: parsePackageName("left"), version: parseVersion("1.0.0"), digest };
  const other = { ...signed, version: parseVersion("1.0.1") };
  const bad = [
    await signVersion(theirs.privateKey, signed),
    await signVersion(mine.privateKey, other),
    { ...(await signVersion(theirs.privateKey, signed)), key: mine.publicKey },
    { key: mine.publicKey, sig: "" },
    "text",
    null,
  ];
  for (const signature of bad)
    expect(await codeOf(() => put(ctx, ada, {}, { signature }))).toBe("signature_invalid");
  const signature = await signVersion(mine.privateKey, signed);
  expect(await put(ctx, ada, {}, { signature })).toMatchObject(signature);
  await revokeKey(ctx, ada.actor, mine.publicKey);
  expect(await readVersion(ctx, undefined, "left", "1.0.0")).toMatchObject(signature);
  expect(await codeOf(() => put(ctx, ada, { version: "1.0.1" }, { signature }))).toBe(
    "signature_invalid",
  );
});

test("a hostile archive is refused, named, and leaves nothing", async () => {
  for (const { name, bytes, code, entry } of hostileArchives()) {
    const error = await put(ctx, ada, {}, { bytes: bytes() }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect({ name, error }).toMatchObject({ name, error: { code } });
    if (entry !== undefined) expect(String(error)).toContain(entry);
    expect(await leftovers(ctx)).toEqual([]);
  }
  expect(await codeOf(() => readPackage(ctx, undefined, "left"))).toBe("package_not_found");
  for await (const blob of ctx.blobs.list()) expect(blob).toBeUndefined();
}, 60_000);

test.each([
  ["name", { name: "right" }],
  ["version", { version: "9.9.9" }],
  ["dependencies", { dependencies: { evil: "*" } }],
  ["dependencies", { dependencies: {} }],
  ["optionalDependencies", { optionalDependencies: { evil: "*" } }],
  ["bin", { bin: { ls: "left.ts" } }],
])("a manifest sent with another %s is refused", async (field, change) => {
  const about = { manifest: { dependencies: { right: "^1.0.0" } }, files: { "left.ts": "" } };
  const manifest = { ...partsOf(about).manifest, ...change };
  const error = await put(ctx, ada, about, { manifest }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "manifest_mismatch", data: { field } });
});

test("whatever manifest is sent, what is stored comes from the archive", async () => {
  const honest = await put(ctx, ada, { name: "honest", manifest: { license: "MIT" } });
  let n = 0;
  const field = constantFrom(
    "description",
    "license",
    "keywords",
    "engines",
    "bin",
    "dependencies",
    "repository",
    "readme",
    "dist",
    "digest",
    "yanked",
    "version",
    "name",
    "__proto__",
  );
  const lies = oneof(
    anything(),
    record({ name: string(), version: string() }),
    dictionary(field, oneof(string(), anything(), dictionary(string(), string()))),
  );
  await check(
    asyncProperty(lies, async (lie) => {
      const name = `lie${(n += 1)}x`;
      const about = { name, manifest: { license: "MIT" } };
      const { manifest } = partsOf(about);
      const sent = typeof lie === "object" && lie !== null ? { ...manifest, ...lie } : lie;
      const code = await codeOf(() => put(ctx, ada, about, { manifest: sent }));
      if (code !== "done") {
        expect([
          "manifest_invalid",
          "manifest_mismatch",
          "name_invalid",
          "name_reserved",
          "scope_foreign",
        ]).toContain(code);
        return;
      }
      const stored = await readVersion(ctx, undefined, name, "1.0.0");
      const { digest, integrity, blake3, sizeBytes, unpackedBytes } = stored;
      const bytes = { digest, integrity, blake3, sizeBytes, unpackedBytes };
      expect<object>(stored).toEqual({ ...honest, ...bytes, name });
    }),
    { numRuns: 60 },
  );
}, 60_000);

test("of many that publish one version at once exactly one has it", async () => {
  const codes = await Promise.all(
    Array.from({ length: 20 }, (_, n) => codeOf(() => put(ctx, ada, { files: { n: String(n) } }))),
  );
  expect(codes.filter((code) => code === "done")).toHaveLength(1);
  expect(codes.filter((code) => code === "version_exists")).toHaveLength(19);
});

test("200 versions of one new package published at once are all kept", async () => {
  const all = Array.from({ length: 200 }, (_, n) => `1.${n}.0`);
  await Promise.all(all.map((version) => put(ctx, ada, { version })));
  const { versions, tags } = await readPackage(ctx, undefined, "left");
  expect(versions.map(({ version }) => version)).toEqual(all.toReversed());
  expect(tags).toEqual({ latest: "1.199.0" });
}, 60_000);

test("bytes that vanish before they are recorded leave no row", async () => {
  const input = await stage(ctx, {});
  const { staged } = input;
  const lost = {
    ...staged,
    async commit() {
      await staged.commit();
      await ctx.blobs.remove(staged.digest);
    },
  };
  expect(await codeOf(() => publish(ctx, ada.actor, { ...input, staged: lost }))).toBe(
    "upload_lost",
  );
  expect(await codeOf(() => readPackage(ctx, undefined, "left"))).toBe("package_not_found");
});

test("limits of this server hold", async () => {
  const small = { ...ctx, config: { ...ctx.config, "limits.entries": 3 } };
  const bytes = goodArchive({ files: { a: "", b: "", c: "" } });
  expect(await codeOf(() => put(small, ada, {}, { bytes }))).toBe("archive_too_large");
});
