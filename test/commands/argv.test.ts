import { describe, expect, test } from "bun:test";

import { array, assert, constantFrom, oneof, property, string } from "fast-check";

import { LandError } from "#base/errors.ts";
import { commands } from "#commands/all.ts";
import { readArgs, spelling, variableOf } from "#commands/argv.ts";
import type { Args } from "#commands/command.ts";
import { globalArgs } from "#commands/globals.ts";

const args = {
  package: { type: "one", about: "Name of a package" },
  more: { type: "any", about: "More of them" },
  dryRun: { type: "boolean", short: "n", about: "Send nothing" },
  frozen: { type: "boolean", about: "Change nothing" },
  tag: { type: "text", value: "TAG", short: "t", about: "A tag" },
  scope: { type: "list", value: "SCOPE", about: "A scope" },
  level: { type: "text", value: "LEVEL", about: "A level", oneOf: ["info", "warn"] },
} as const satisfies Args;

function read(argv: string[], env: Record<string, string> = {}): unknown {
  try {
    const values = Object.entries(readArgs(args, argv, env));
    return Object.fromEntries(
      values.filter(
        ([key, value]) =>
          key !== "plugins" && value !== undefined && value !== false && String(value) !== "",
      ),
    );
  } catch (error) {
    if (!(error instanceof LandError)) throw error;
    expect(error.exitCode).toBe(2);
    return error.hint === undefined ? error.message : `${error.message} | ${error.hint}`;
  }
}

/** On unless it is turned off, as `plugins` is, which the cases below leave out. */
const color = true;

describe("arguments", () => {
  test.each<[string[], unknown]>([
    [["left"], { package: "left", color }],
    [["left", "--dry-run", "right"], { package: "left", more: ["right"], dryRun: true, color }],
    [["-n", "left"], { package: "left", dryRun: true, color }],
    [["-nyq", "left"], { package: "left", dryRun: true, yes: true, quiet: true, color }],
    [["left", "--tag", "beta"], { package: "left", tag: "beta", color }],
    [["left", "--tag=beta"], { package: "left", tag: "beta", color }],
    [["left", "--tag=--no-color"], { package: "left", tag: "--no-color", color }],
    [["left", "-tbeta"], { package: "left", tag: "beta", color }],
    [["left", "-nt", "beta"], { package: "left", dryRun: true, tag: "beta", color }],
    [["left", "--tag=a", "--tag=b"], { package: "left", tag: "b", color }],
    [["left", "--scope", "a", "--scope=b"], { package: "left", scope: ["a", "b"], color }],
    [["--", "--tag", "-n"], { package: "--tag", more: ["-n"], color }],
    [["left", "-"], { package: "left", more: ["-"], color }],
    [["left", "--no-color"], { package: "left" }],
    [["left", "--dry-run", "--no-dry-run"], { package: "left", color }],
  ])("%j", (argv, values) => {
    expect(read(argv)).toEqual(values);
  });

  test.each<[string[], string]>([
    [["left", "--forzen"], "Cannot use --forzen: there is no such flag | Did you mean `--frozen`?"],
    [
      ["left", "--dryrun"],
      "Cannot use --dryrun: there is no such flag | Did you mean `--dry-run`?",
    ],
    [["left", "--jsn"], "Cannot use --jsn: there is no such flag | Did you mean `--json`?"],
    [["left", "--hepl"], "Cannot use --hepl: there is no such flag | Did you mean `--help`?"],
    [["left", "--colour"], "Cannot use --colour: there is no such flag | Did you mean `--color`?"],
    [["left", "--xyz"], "Cannot use --xyz: there is no such flag | See the flags with --help"],
    [["left", "-z"], "Cannot use -z: there is no such flag | See the flags with --help"],
    [
      ["left", "--no-tag"],
      "Cannot use --no-tag: there is no such flag | See the flags with --help",
    ],
    [
      ["left", "--\u001B[31mred"],
      "Cannot use --\uFFFD[31mred: there is no such flag | See the flags with --help",
    ],
    [["left", "--tag"], "Cannot use --tag: it needs a value | Write --tag TAG"],
    [
      ["left", "--tag", "--json"],
      "Cannot use --tag: it needs a value | A value that begins with `-` is written --tag=VALUE",
    ],
    [["left", "--json=1"], "Cannot use --json: it takes no value"],
    [
      ["left", "--level", "wrn"],
      'Cannot use "wrn" for --level: it is none of info, warn | Did you mean `warn`?',
    ],
    [
      ["--json"],
      "Cannot run without <package>: Name of a package | See how it is used with --help",
    ],
  ])("%j is refused", (argv, problem) => {
    expect(read(argv)).toBe(problem);
  });

  test.each<[Record<string, string>, unknown]>([
    [{ LAND_TAG: "beta" }, { package: "left", tag: "beta", color }],
    [
      { LAND_DRY_RUN: "1", LAND_YES: "true" },
      { package: "left", dryRun: true, yes: true, color },
    ],
    [
      { LAND_DRY_RUN: "0", LAND_YES: "no" },
      { package: "left", color },
    ],
    [{ LAND_SCOPE: "read, publish" }, { package: "left", scope: ["read", "publish"], color }],
    [{ LAND_NO_COLOR: "1" }, { package: "left" }],
    [{ LAND_TAG: "" }, { package: "left", color }],
    [{ LAND_YES: "maybe" }, 'Cannot use "maybe" for LAND_YES: it is neither 1 nor 0'],
    [{ LAND_LEVEL: "loud" }, 'Cannot use "loud" for LAND_LEVEL: it is none of info, warn'],
  ])("environment %j", (env, values) => {
    expect(read(["left"], env)).toEqual(values);
  });

  test("what is typed goes before the environment", () => {
    expect(read(["left", "--tag=a", "--no-dry-run"], { LAND_TAG: "b", LAND_DRY_RUN: "1" })).toEqual(
      {
        package: "left",
        tag: "a",
        color,
      },
    );
  });

  test("a value comes out as it went in, whatever it is", () => {
    assert(
      property(string(), array(string()), (tag, rest) => {
        const values = readArgs(args, [`--tag=${tag}`, "--", "left", ...rest], {});
        expect(values.tag).toBe(tag);
        expect(values.more).toEqual(rest);
      }),
    );
  });

  test("any arguments give values or a usage error", () => {
    const word = oneof(
      string(),
      constantFrom("--tag", "-t", "--no-color", "--", "-n", "--scope=x"),
    );
    assert(property(array(word), (argv) => void read(argv)));
  });
});

test("no flag of a command hides a global one or another's short letter, and each has its own variable", async () => {
  for (const [name, entry] of Object.entries(commands)) {
    const command = await entry.load();
    const all: Args = { ...globalArgs, ...command.args };
    expect({ name, count: Object.keys(all).length }).toEqual({
      name,
      count: Object.keys(globalArgs).length + Object.keys(command.args).length,
    });
    const flags = Object.entries(all).flatMap(([key, arg]) =>
      arg.type === "boolean" || arg.type === "text" || arg.type === "list" ? [{ key, arg }] : [],
    );
    const letters = flags.flatMap(({ arg }) => arg.short ?? []);
    expect(new Set(letters).size).toBe(letters.length);
    const typed = flags.map(({ key, arg }) => spelling(key, arg));
    expect(new Set(typed).size).toBe(typed.length);
    const variables = flags.map(({ key, arg }) => variableOf(key, arg));
    expect(variables).not.toContain("LAND_HOME");
    expect(variables).not.toContain("LAND_TOKEN");
    expect(variables).not.toContain("LAND_SIGNING_KEY");
  }
});
