import { isAbsolute } from "node:path";

import { LandError } from "#base/errors.ts";
import { type PackageName, printable } from "#base/names.ts";
import { globalDir, globalNames } from "#install/global-folders.ts";
import type { InstallOptions } from "#install/options.ts";
import { repairProject, strangersOf } from "#install/verify-repair.ts";
import {
  type Algorithm,
  type Verification,
  type VerifiedPackage,
  verifyProject,
} from "#install/verify.ts";

import { askToGoOn } from "./ask.ts";
import { defineCommand, type Outcome } from "./command.ts";
import type { Context } from "./context.ts";
import { globalFlag } from "./global-flag.ts";
import { eventsTo, installOptions } from "./installing.ts";
import { createProgress, type Progress } from "./progress.ts";
import { renderCount, renderNumber, type Style } from "./render.ts";

/** A verified project; `global`: that of a package installed for the user. */
type Verified = Verification & { global?: PackageName };

/** Compares what is installed with its archives, and these with land.lock. */
export default defineCommand({
  more: `Reads every stored archive that land.lock names, and every file of the tree: what was changed, is missing, was added,
became a link, or may be executed where it should not. Nothing is changed, and no registry is asked but with --algorithm
sha512 or blake3, whose checksum only the registry tells. With --repair, packages that are damaged are laid anew and what
land did not put there is removed. Exits with 11 where something is wrong; with --quiet only that is printed. A command
that another land of yours runs is no damage, but told as a note. With --json the value is {"ok","problems":
[{"package","path","problem"}],"packages":[{"name","version","ok","problems":[{"path","problem"}]}],"notes":[{"package",
"path","note"}],"files"}; with -g each problem, note and package names its "global" package.`,
  examples: ["land verify", "land verify --algorithm blake3 --json", "land verify --repair"],
  args: {
    algorithm: {
      type: "text",
      value: "NAME",
      oneOf: ["sha256", "sha512", "blake3"],
      about: "Compare this checksum of each archive too (default: sha256)",
    },
    repair: { type: "boolean", about: "Lay anew what is damaged" },
    offline: { type: "boolean", about: "Ask no registry" },
    global: globalFlag,
  },
  async run(context, { algorithm = "sha256", repair, offline, global }) {
    const progress = createProgress(context);
    try {
      const events = eventsTo(context, progress);
      const options = await installOptions(context, { kind: "install" }, { offline }, events);
      const found: Verified[] = [];
      for (const target of targetsOf(context, options, global)) {
        const verify = () => verifyOne(target, algorithm, progress);
        let one = await verify();
        progress.stop();
        if (repair && !one.ok && one.whole) {
          await askForStrangers(context, one);
          await repairProject(target.options, one);
          one = await verify();
          progress.stop();
        }
        const { whole: _, ...verified } = one;
        found.push({ ...verified, ...(target.global !== undefined && { global: target.global }) });
      }
      const flags = `${global ? " -g" : ""} --repair`;
      const hint = repair ? [] : [`Run \`land verify${flags}\` to lay anew what is damaged`];
      const { style, globals } = context;
      return outcomeOf(found, { style, quiet: globals.quiet, hint });
    } finally {
      progress.stop();
    }
  },
});

type Target = { options: InstallOptions; global?: PackageName };

/** The projects to verify: that of the working folder, or each of those made for a global package. */
function targetsOf({ landHome }: Context, options: InstallOptions, global: boolean): Target[] {
  if (!global) return [{ options }];
  return globalNames(landHome).map((name) => ({
    options: { ...options, dir: globalDir(landHome, name) },
    global: name,
  }));
}

/** `whole`: false where a global package has no lock that tells what belongs there, as after an install that was cut off. */
async function verifyOne(
  { options, global }: Target,
  algorithm: Algorithm,
  progress: Progress,
): Promise<Verification & { whole: boolean }> {
  const onPackage = ({ files }: { files: number }): void =>
    progress.update({ verb: "Verifying", doneFiles: files });
  try {
    return { ...(await verifyProject({ ...options, algorithm, onPackage })), whole: true };
  } catch (error) {
    const isBroken = error instanceof LandError && /^(?:not_found|manifest_)/.test(error.code);
    if (global === undefined || !isBroken) throw error;
    const problem = `is not installed whole; \`land install -g ${global}\` lays it anew`;
    const problems = [{ package: global, path: ".", problem }];
    return { ok: false, packages: [], problems, notes: [], files: 0, whole: false };
  }
}

async function askForStrangers(context: Context, { problems }: Verification): Promise<void> {
  const strangers = strangersOf(problems).map((item) => printable(item.package || item.path));
  if (strangers.length === 0) return;
  await askToGoOn(context, {
    what: "whether to remove what land did not put there",
    message: `Remove ${strangers.join(", ")}, which land did not put there?`,
    initial: false,
  });
}

type Telling = { style: Style; quiet: boolean; hint: readonly string[] };

function outcomeOf(found: readonly Verified[], { style, quiet, hint }: Telling): Outcome {
  const ok = found.every((one) => one.ok);
  const mark = (one: Verified) => (one.global === undefined ? {} : { global: one.global });
  const value = {
    ok,
    problems: found.flatMap((one) =>
      one.problems.map((item) => Object.assign({}, item, mark(one))),
    ),
    packages: found.flatMap((one) =>
      one.packages.map((item) => Object.assign({}, item, mark(one))),
    ),
    notes: found.flatMap((one) => one.notes.map((item) => Object.assign({}, item, mark(one)))),
    files: found.reduce((sum, one) => sum + one.files, 0),
  };
  const told = quiet ? found.filter((one) => !one.ok) : found;
  const text = told.map((one) => renderOne(one, { style, quiet }));
  if (!quiet) text.push(countOf(value), ...(ok ? [] : hint));
  const shown = text.filter((part) => part !== "");
  return { value, text: shown.join("\n"), exitCode: ok ? 0 : 11 };
}

function renderOne(
  { packages, problems, notes, global }: Verified,
  { style, quiet }: Pick<Telling, "style" | "quiet">,
): string {
  const known = new Set<string>(packages.map(({ name }) => name));
  const others = problems.filter((problem) => !known.has(problem.package));
  const shown = quiet ? packages.filter(({ ok }) => !ok) : packages;
  return [
    ...(global === undefined ? [] : [style.bold(printable(global))]),
    ...shown.flatMap((item) => packageLines(item, style)),
    ...others.map((item) => {
      const what = [item.package, item.path].filter((part) => !["", "."].includes(part)).join("/");
      return `${style.red("FAILED")}  ${printable(what || "the tree")} ${printable(item.problem)}`;
    }),
    ...(quiet ? [] : notes).map(
      ({ path, note }) => `${style.yellow("note")}    ${printable(path)} ${printable(note)}`,
    ),
  ].join("\n");
}

const SHOWN = 20;

function packageLines({ name, version, ok, problems }: VerifiedPackage, style: Style): string[] {
  const label = printable(`${name} ${version}`);
  if (ok) return [`${style.green("ok")}      ${label}`];
  const lines = problems.slice(0, SHOWN).map(({ path, problem }) => {
    const what = path === "." ? "its folder" : isAbsolute(path) ? "its archive" : printable(path);
    return `        ${what} ${printable(problem)}`;
  });
  const more = problems.length - lines.length;
  if (more > 0) lines.push(`        and ${renderNumber(more)} more`);
  return [`${style.red("FAILED")}  ${style.bold(label)}`, ...lines];
}

function countOf(value: Pick<Verification, "packages" | "problems" | "files">): string {
  const { packages, problems, files } = value;
  const total = `${renderCount(packages.length, "package")}, ${renderCount(files, "file")}`;
  return problems.length === 0
    ? `${total}: all as their archives say`
    : `${total}: ${renderCount(problems.length, "problem")}`;
}
