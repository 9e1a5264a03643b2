import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";

import { selectSite } from "#pack/site-select.ts";
import { type TemporaryFolder, temporaryFolder } from "#test/support/land.ts";
import { codeOf } from "#test/support/people.ts";
import { writeFiles } from "#test/support/project.ts";

let root: TemporaryFolder;
beforeEach(async () => {
  root = await temporaryFolder("site");
});
afterEach(() => root[Symbol.asyncDispose]());

async function pathsOf(
  files: Record<string, string>,
  options?: { main?: string },
): Promise<string[]> {
  await writeFiles(root.path, files);
  return (await selectSite(root.path, options)).files.map(({ path }) => path);
}

const listOf = (...paths: string[]): Record<string, string> =>
  Object.fromEntries(paths.map((path) => [path, path]));

test("every regular file is sent, but what no site sends", async () => {
  const sent = [
    ".gitignore",
    ".well-known/acme/x",
    "404.html",
    "_headers",
    "_redirects",
    "a/b/c.txt",
    "environment.txt",
    "index.html",
    "package.json",
    "sub/land.json",
  ];
  const kept = [
    ".DS_Store",
    ".env",
    ".env.local",
    ".git/config",
    ".land/kv/0.db",
    ".landignore",
    ".landrc",
    ".npmrc",
    "__MACOSX/x",
    "a/.env.production",
    "a/.git/HEAD",
    "a/node_modules/x/index.js",
    "key.PEM",
    "key.pem",
    "land.json",
    "land.lock",
    "land_modules/x/y",
    "node_modules/x/y",
  ];
  expect(await pathsOf(listOf(...sent, ...kept))).toEqual(sent);
});

test(".gitignore is not read: it names what a build makes", async () => {
  expect(await pathsOf({ ".gitignore": "*\n", "index.html": "" })).toEqual([
    ".gitignore",
    "index.html",
  ]);
});

test(".landignore takes files out, at the root and below, and the last rule that fits decides", async () => {
  const files = {
    ...listOf(
      "a.draft",
      "notes/x.md",
      "notes/keep.md",
      "sub/b.draft",
      "sub/c.txt",
      "sub/deep/c.txt",
    ),
    ".landignore": "# not yet\n*.draft\nnotes/*\n!notes/keep.md\n",
    "sub/.landignore": "!b.draft\n/c.txt\n",
  };
  expect(await pathsOf(files)).toEqual(["notes/keep.md", "sub/b.draft", "sub/deep/c.txt"]);
});

test("nothing comes back from below an ignored folder", async () => {
  const files = { ...listOf("x/y.txt", "z.txt"), ".landignore": "x/\n!x/y.txt\n" };
  expect(await pathsOf(files)).toEqual(["z.txt"]);
});

describe("programs are not sent", () => {
  test.each([
    ["main.ts and its map", ["main.ts", "main.ts.map", "main.js", "index.html"], {}, "main.ts"],
    ["main.js without a page beside it", ["main.js", "main.js.map", "about.html"], {}, "main.js"],
    [
      "the one that the manifest names",
      ["api/run.ts", "main.ts"],
      { main: "api/run.ts" },
      "api/run.ts",
    ],
  ])("%s", async (_, paths, options, program) => {
    await writeFiles(root.path, listOf(...paths));
    const selection = await selectSite(root.path, options);
    expect(selection.program).toBe(program);
    const left = new Set([program, `${program}.map`]);
    expect(selection.files.map(({ path }) => path).toSorted()).toEqual(
      paths.filter((path) => !left.has(path)).toSorted(),
    );
  });

  test("main.js beside an index.html is a script of that page", async () => {
    await writeFiles(root.path, listOf("main.js", "index.html"));
    const { program, files } = await selectSite(root.path);
    expect(program).toBeUndefined();
    expect(files).toHaveLength(2);
  });
});

describe("what cannot be sent is refused by name", () => {
  const refusal = (): Promise<unknown> => selectSite(root.path).catch((error: unknown) => error);

  test("a link, to wherever it leads", async () => {
    await writeFiles(root.path, listOf("index.html"));
    await symlink("index.html", join(root.path, "inside.html"));
    await symlink("/etc", join(root.path, "outside"));
    expect(await refusal()).toMatchObject({
      code: "deploy_path_invalid",
      message:
        'Cannot deploy "inside.html": it is a symbolic link, and so is 1 more: put the file itself there, or name it in .landignore',
    });
    await writeFiles(root.path, { ".landignore": "inside.html\noutside\n" });
    expect((await selectSite(root.path)).files).toHaveLength(1);
  });

  test("each by itself and the rest is chosen, where refusals are taken", async () => {
    await writeFiles(root.path, listOf("index.html", "sub/back\\slash", "sub/a.txt"));
    await symlink("index.html", join(root.path, "link"));
    const refused: string[] = [];
    const selection = await selectSite(root.path, {
      onRefused: ({ data }) => void refused.push(String(data?.["path"])),
    });
    expect(refused).toEqual(["link", "sub/back\\slash"]);
    expect(selection.files.map(({ path }) => path)).toEqual(["index.html", "sub/a.txt"]);
    expect(selection.folders).toEqual(["", "sub"]);
  });

  test("a link at a place that is never sent stays out silently", async () => {
    await writeFiles(root.path, listOf("index.html"));
    await symlink("/tmp", join(root.path, "node_modules"));
    expect((await selectSite(root.path)).files).toHaveLength(1);
  });

  test("a pipe", async () => {
    await Bun.$`mkfifo ${join(root.path, "pipe")}`.quiet();
    expect(await refusal()).toMatchObject({
      message: expect.stringContaining('"pipe": it is not a plain file'),
    });
  });

  test.each(["back\\slash.txt", "line\nbreak.txt", "bell\u0007.txt"])(
    "the name %j",
    async (name) => {
      await writeFiles(root.path, { [name]: "" });
      expect(await refusal()).toMatchObject({ code: "deploy_path_invalid" });
    },
  );

  test("two names that are one in Unicode's composed form", async () => {
    await writeFiles(root.path, { "caf\u00e9.html": "1", "cafe\u0301.html": "2" });
    expect(await refusal()).toMatchObject({
      code: "deploy_path_invalid",
      message: expect.stringContaining("different Unicode forms"),
    });
  });

  test("a folder that is not there", async () => {
    expect(await codeOf(() => selectSite(join(root.path, "nope")))).toBe("file_failed");
  });
});

test("a name is sent composed and read as the disk spells it", async () => {
  await mkdir(join(root.path, "e\u0301"));
  await writeFiles(root.path, { "e\u0301/x": "1" });
  const { files } = await selectSite(root.path);
  expect(files[0]).toMatchObject({ path: "\u00e9/x", onDisk: "e\u0301/x", sizeBytes: 1 });
});

test("the folder itself may be a link", async () => {
  await writeFiles(root.path, { "real/index.html": "" });
  await symlink("real", join(root.path, "link"));
  expect((await selectSite(join(root.path, "link"))).files).toHaveLength(1);
});
