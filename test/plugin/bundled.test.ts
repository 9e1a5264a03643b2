import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import { installWorld } from "#test/install/world.ts";
import { writeFiles } from "#test/support/project.ts";

import { land, licensedWorld } from "./licensed.ts";

describe("land licenses", () => {
  test("lists and counts", async () => {
    await using world = await licensedWorld();
    await world.install("p");
    expect((await land(world, ["licenses"])).stdout).toMatchInlineSnapshot(`
      "@ada/greet  1.0.0  Our own terms
      bare        1.0.0  UNKNOWN
      left        1.0.0  MIT OR Apache-2.0
      pad         1.0.0  GPL-3.0-only
      "
    `);
    const { stdout } = await land(world, ["licenses", "--summary"]);
    expect(stdout).toContain("GPL-3.0-only       1 package\n");
    expect((await land(world, ["licenses", "--json"])).json()).toMatchObject({
      ok: true,
      packages: [{ name: "@ada/greet", license: "Our own terms", problem: null }, {}, {}, {}],
      summary: { UNKNOWN: 1 },
    });
  });

  test("--check holds to the policy", async () => {
    await using world = await licensedWorld();
    await world.install("p");
    const policy = (licenses: object) => ({ plugins: { licenses } });
    const none = await land(world, ["licenses", "--check"]);
    expect(none).toMatchObject({ exitCode: 2 });
    const bad = await land(
      world,
      ["licenses", "--check", "--json"],
      policy({ deny: ["GPL-3.0-only"] }),
    );
    expect(bad).toMatchObject({ exitCode: 1, stderr: "" });
    expect(bad.json()).toMatchObject({
      code: "policy_violated",
      data: { problems: ["pad@1.0.0: its license is GPL-3.0-only"] },
    });
    const good = policy({
      allow: ["MIT", "GPL-3.0-only", "Our own terms"],
      exceptions: { bare: "we asked its author" },
    });
    expect(await land(world, ["licenses", "--check"], good)).toMatchObject({ exitCode: 0 });
    const wrong = await land(world, ["licenses"], policy({ allow: 3 }));
    expect(wrong).toMatchObject({ exitCode: 2 });
    expect(wrong.stderr).toContain("Cannot use plugins.licenses of config.json: the setting allow");
  });

  test("enforce refuses at install, by what the registry tells", async () => {
    await using world = await licensedWorld();
    const told = { license: "GPL-3.0-only", yanked: false };
    world.registry.fail(
      "GET /api/v1/packages/",
      async (request, answer) => {
        const [, name = "", version] = /packages\/([^/]+)\/([^/]+)$/.exec(request.url) ?? [];
        if (version === undefined || version === "download") return answer();
        return Response.json({
          name: decodeURIComponent(name),
          version,
          description: "",
          ...told,
          digest: "sha256:x",
          integrity: "x",
          blake3: "x",
          sizeBytes: 1,
          unpackedBytes: 1,
          dependencies: {},
          optionalDependencies: {},
          peerDependencies: {},
          engines: {},
          bin: {},
          key: null,
          sig: null,
          deprecated: null,
          publishedBy: null,
          publishedAt: "2026-01-01T00:00:00.000Z",
        });
      },
      100,
    );
    const config = { plugins: { licenses: { allow: ["MIT"], enforce: true } } };
    const ran = await land(world, ["install"], config);
    expect(ran).toMatchObject({ exitCode: 1 });
    expect(ran.stderr).toContain(
      'Cannot go on: the plugin "licenses" refuses preInstall: @ada/greet@1.0.0',
    );
    expect(await world.snapshot("p")).toEqual({ "land.json": expect.any(String) });
    expect(await land(world, ["install", "--no-plugins"], config)).toMatchObject({ exitCode: 0 });
  });
});

describe("land sbom", () => {
  test("CycloneDX has every package with what it needs", async () => {
    await using world = await licensedWorld();
    await world.install("p");
    const { url } = world.registry;
    const ran = await land(world, ["sbom"]);
    const purl = (path: string) => `pkg:npm/${path}@1.0.0?repository_url=${url}/npm/`;
    expect(ran.json()).toMatchObject({
      bomFormat: "CycloneDX",
      specVersion: "1.6",
      serialNumber: expect.stringMatching(/^urn:uuid:[0-9a-f-]{36}$/),
      metadata: {
        timestamp: "2026-03-01T12:00:00Z",
        component: { name: "p", version: "2.0.0", licenses: [{ expression: "MIT" }] },
      },
      components: [
        { group: "@ada", name: "greet", licenses: [{ license: { name: "Our own terms" } }] },
        { name: "bare", purl: purl("bare") },
        { name: "left", licenses: [{ expression: "MIT OR Apache-2.0" }] },
        {
          name: "pad",
          description: "Pads",
          hashes: [{ alg: "SHA-256", content: expect.stringMatching(/^[0-9a-f]{64}$/) }],
        },
      ],
      dependencies: [
        { ref: "project", dependsOn: [purl("%40ada/greet"), purl("bare")] },
        { ref: purl("%40ada/greet"), dependsOn: [purl("left")] },
        { ref: purl("bare"), dependsOn: [] },
        { ref: purl("left"), dependsOn: [purl("pad")] },
        { ref: purl("pad"), dependsOn: [] },
      ],
    });
  });

  test("SPDX has them too; texts that are no expression are references", async () => {
    await using world = await licensedWorld();
    await world.install("p");
    const ran = await land(world, ["sbom", "--format", "spdx"]);
    const value = ran.json();
    expect(value).toMatchObject({
      spdxVersion: "SPDX-2.3",
      documentDescribes: ["SPDXRef-Project"],
      hasExtractedLicensingInfos: [
        { licenseId: expect.stringMatching(/^LicenseRef-/), extractedText: "Our own terms" },
      ],
    });
    const { packages, relationships } = value as {
      packages: { SPDXID: string; licenseDeclared: string }[];
      relationships: { spdxElementId: string; relatedSpdxElement: string }[];
    };
    expect(packages.map(({ licenseDeclared }) => licenseDeclared)).toEqual([
      "MIT",
      expect.stringMatching(/^LicenseRef-/),
      "NOASSERTION",
      "MIT OR Apache-2.0",
      "GPL-3.0-only",
    ]);
    const ids = new Set(["SPDXRef-DOCUMENT", ...packages.map(({ SPDXID }) => SPDXID)]);
    expect(ids.size).toBe(6);
    for (const { spdxElementId, relatedSpdxElement } of relationships)
      expect(ids.has(spdxElementId) && ids.has(relatedSpdxElement)).toBe(true);
    expect(relationships).toHaveLength(5);
  });

  test("--reproducible gives the same bytes, at the time of SOURCE_DATE_EPOCH", async () => {
    await using world = await licensedWorld();
    await world.install("p");
    for (const format of ["cyclonedx", "spdx"]) {
      const args = ["sbom", "--format", format, "--reproducible"];
      const first = await land(world, args);
      expect((await land(world, args, {}, { now: () => new Date() })).stdout).toBe(first.stdout);
      const env = { SOURCE_DATE_EPOCH: "1000000000" };
      expect((await land(world, args, {}, { env })).stdout).toContain("2001-09-09T01:46:40Z");
    }
    const env = { SOURCE_DATE_EPOCH: "soon" };
    expect(await land(world, ["sbom"], {}, { env })).toMatchObject({ exitCode: 2 });
  });

  test("--output writes a file; formats that nobody knows are refused", async () => {
    await using world = await licensedWorld();
    await world.install("p");
    const ran = await land(world, ["sbom", "-o", "bom.json"]);
    expect(ran).toMatchObject({ exitCode: 0, stdout: "", stderr: "Wrote bom.json: 4 packages\n" });
    expect(await Bun.file(join(world.at("p"), "bom.json")).json()).toMatchObject({ version: 1 });
    expect(await land(world, ["sbom", "--format", "xml"])).toMatchObject({ exitCode: 2 });
    expect(await land(world, ["sbom", "more"])).toMatchObject({ exitCode: 2 });
  });

  test("needs a project", async () => {
    await using world = await installWorld();
    await writeFiles(world.at("p"), { "x.txt": "" });
    expect(await land(world, ["sbom"])).toMatchObject({ exitCode: 2 });
  });
});
