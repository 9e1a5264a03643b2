import { describe, expect, test } from "bun:test";
import { PassThrough } from "node:stream";

import { readArgs } from "#commands/argv.ts";
import { createContext } from "#commands/context.ts";
import { createProgress, renderStep } from "#commands/progress.ts";

/** Downloads of two files, half a second apart each. */
function watch(argv: string[], terminal: boolean): { stdout: string; stderr: string } {
  let at = 0;
  const written = { stdout: "", stderr: "" };
  const sink = (name: "stdout" | "stderr") =>
    Object.assign(new PassThrough(), { isTTY: terminal, columns: 60 }).on(
      "data",
      (chunk: Buffer) => void (written[name] += chunk.toString()),
    );
  const context = createContext(
    {
      argv,
      env: {},
      cwd: "/",
      home: "/nowhere",
      binary: "/nowhere/land",
      stdin: new PassThrough(),
      stdout: sink("stdout"),
      stderr: sink("stderr"),
      now: () => new Date(at),
      random: (bytes) => new Uint8Array(bytes),
      onSignal: () => () => {},
      onCrash: () => () => {},
      exit: () => {},
      openBrowser: async () => false,
    },
    readArgs({}, argv, {}),
    new AbortController().signal,
    () => {},
  );
  const progress = createProgress(context);
  const totals = { verb: "Downloading", totalFiles: 2, totalBytes: 2_000_000 };
  progress.update({ ...totals, doneFiles: 0, doneBytes: 0 });
  at += 40;
  progress.update({ ...totals, doneFiles: 0, doneBytes: 100_000 });
  at += 960;
  progress.update({ ...totals, doneFiles: 1, doneBytes: 1_000_000 });
  progress.item("left 1.2.3");
  progress.stop();
  return written;
}

describe("progress", () => {
  test("on a terminal is one line, redrawn not too often, and gone at the end", () => {
    expect(watch([], true)).toEqual({
      stdout: "",
      stderr: [
        "\r\u001B[2KDownloading  0 of 2 files  0 B of 2 MB",
        "\r\u001B[2KDownloading  1 of 2 files  1 MB of 2 MB  1 MB/s",
        "\r\u001B[2K",
      ].join(""),
    });
  });

  test("piped is a line for each finished item", () => {
    expect(watch([], false)).toEqual({ stdout: "", stderr: "left 1.2.3\n" });
  });

  test.each([["--quiet"], ["--json"]])("with %s is nothing", (flag) => {
    expect(watch([flag], true)).toEqual({ stdout: "", stderr: "" });
  });

  test("with --jsonl is lines of JSON on stdout, not too many", () => {
    const { stdout, stderr } = watch(["--jsonl"], true);
    const lines: unknown[] = Bun.JSONL.parse(stdout);
    expect(lines).toHaveLength(3);
    expect(lines[2]).toEqual({ progress: { item: "left 1.2.3" } });
    expect(stderr).toBe("");
  });

  test("leaves out what is not known", () => {
    expect(renderStep({ verb: "Packing" }, 0)).toBe("Packing");
    expect(renderStep({ verb: "Linking", doneFiles: 1 }, 0)).toBe("Linking  1 file");
    expect(renderStep({ verb: "Uploading", doneBytes: 512 }, 0)).toBe("Uploading  512 B");
  });

  test("says how long a step lasts where it lasts", () => {
    expect(renderStep({ verb: "Resolving" }, 2999)).toBe("Resolving");
    expect(renderStep({ verb: "Resolving" }, 12_400)).toBe("Resolving  12 s");
  });
});
