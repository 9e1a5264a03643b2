import { describe, expect, test } from "bun:test";
import { symlinkSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";

import { installLockDriver, uninstallLockDriver } from "#install/lock-driver.ts";
import { parseLock } from "#install/lockfile.ts";

import { temporaryFolder } from "../support/land.ts";
import { writeFiles } from "../support/project.ts";
import { BASE, factsOf, OURS, THEIRS } from "./lock-facts.ts";

describe("git", () => {
  const MAIN = join(import.meta.dir, "..", "..", "src", "main.ts");

  test("merges branches that each add a package without a conflict, and refuses what it must", async () => {
    await using folder = await temporaryFolder("driver");
    const repo = join(folder.path, "it's a repo");
    const landPath = join(folder.path, "la'nd");
    await writeFiles(folder.path, {
      "la'nd": `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`,
      "it's a repo/land.lock": BASE,
      "it's a repo/.gitattributes": "*.png binary",
    });
    const env = {
      PATH: process.env["PATH"] ?? "",
      HOME: folder.path,
      LAND_HOME: join(folder.path, "home"),
    };
    const run = (command: string[], cwd = repo): { code: number; out: string } => {
      const ran = Bun.spawnSync(command, { cwd, env });
      return { code: ran.exitCode, out: ran.stdout.toString() + ran.stderr.toString() };
    };
    const git = (...args: string[]): string => {
      const { code, out } = run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", ...args]);
      if (code !== 0) throw new Error(out);
      return out;
    };
    const commit = async (lock: string): Promise<void> => {
      await writeFiles(repo, { "land.lock": lock });
      git("commit", "-qam", "x");
    };
    run(["chmod", "+x", landPath]);
    git("init", "-qb", "main");
    const place = { cwd: repo, env };
    const about = { landBinary: landPath, isGlobal: false };
    expect((await installLockDriver(place, about)).changed).toBe(true);
    expect((await installLockDriver(place, about)).changed).toBe(false);
    expect(await Bun.file(join(repo, ".gitattributes")).text()).toBe(
      "*.png binary\nland.lock merge=land\n",
    );
    git("add", ".");
    git("commit", "-qm", "base");
    git("checkout", "-qb", "theirs");
    await commit(THEIRS);
    git("checkout", "-q", "main");
    await commit(OURS);
    git("worktree", "add", "-q", "--detach", "../tree", "main");
    const inTree = (...args: string[]) =>
      run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", ...args],
        join(folder.path, "tree"),
      );
    for (const at of ["tree", "it's a repo"]) {
      const merging =
        at === "tree" ? inTree("merge", "-q", "theirs").out : git("merge", "-q", "theirs");
      expect(merging).not.toContain("CONFLICT");
      const merged = parseLock(await Bun.file(join(folder.path, at, "land.lock")).text());
      expect(factsOf(merged)).toEqual({
        left: "1.2.0",
        mid: "2.0.0",
        ours: "1.0.0",
        theirs: "1.0.0",
      });
    }
    git("checkout", "-qb", "lie", "HEAD~1");
    const now = await Bun.file(join(repo, "land.lock")).text();
    await commit(now.replace(/digest = "sha256:.{8}/, 'digest = "sha256:00000000'));
    git("checkout", "-q", "main");
    git("checkout", "-qb", "other", "lie~1");
    await commit(now.replace(/digest = "sha256:.{8}/, 'digest = "sha256:11111111'));
    const refused = run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "merge", "lie"]);
    expect(refused.code).toBe(1);
    expect(refused.out).toContain("disagree on the bytes of");
    expect(await Bun.file(join(repo, "land.lock")).text()).toContain("<<<<<<< ours\n");
    git("merge", "--abort");
    expect((await uninstallLockDriver(place, false)).changed).toBe(true);
    expect((await uninstallLockDriver(place, false)).changed).toBe(false);
    expect(await Bun.file(join(repo, ".gitattributes")).text()).toBe("*.png binary\n");
    expect(git("config", "--list")).not.toContain("merge.land");
  }, 60_000);

  test("is set up for all repositories of the user, also behind a link; not outside of one", async () => {
    await using folder = await temporaryFolder("driver");
    const env = {
      PATH: process.env["PATH"] ?? "",
      HOME: folder.path,
      GIT_CEILING_DIRECTORIES: folder.path,
    };
    const place = { cwd: folder.path, env };
    const about = { landBinary: "/opt/land", isGlobal: true };
    const { attributes, changed } = await installLockDriver(place, about);
    expect({ attributes, changed }).toEqual({
      attributes: join(folder.path, ".config", "git", "attributes"),
      changed: true,
    });
    expect((await installLockDriver(place, about)).changed).toBe(false);
    expect(await Bun.file(join(folder.path, ".gitconfig")).text()).toContain(
      "'/opt/land' lock merge",
    );
    await uninstallLockDriver(place, true);
    expect(await Bun.file(attributes).exists()).toBe(false);
    const outside = installLockDriver(place, { ...about, isGlobal: false });
    expect(await outside.catch((error: Error) => error.message)).toContain("no work tree of git");
    await rm(attributes, { force: true });
  });

  test("keeps the lines and their ends that stand in .gitattributes, and follows no link there", async () => {
    await using folder = await temporaryFolder("driver");
    const place = { cwd: folder.path, env: { PATH: process.env["PATH"] ?? "", HOME: folder.path } };
    const about = { landBinary: "/opt/land", isGlobal: false };
    Bun.spawnSync(["git", "init", "-q"], { cwd: folder.path });
    const path = join(folder.path, ".gitattributes");
    await Bun.write(path, "*.txt text\r\nland.lock   merge=ours");
    await installLockDriver(place, about);
    expect(await Bun.file(path).text()).toBe(
      "*.txt text\r\nland.lock   merge=ours\r\nland.lock merge=land\r\n",
    );
    await uninstallLockDriver(place, false);
    expect(await Bun.file(path).text()).toBe("*.txt text\r\nland.lock   merge=ours\r\n");
    await rm(path);
    await Bun.write(join(folder.path, "precious"), "mine\n");
    symlinkSync("precious", path);
    const refused = await installLockDriver(place, about).catch((error: Error) => error.message);
    expect(refused).toContain("it is a link, which git passes over");
    expect(await Bun.file(join(folder.path, "precious")).text()).toBe("mine\n");
  });
});
