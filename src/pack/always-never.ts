import { isVersion } from "#base/names.ts";

import { foldPath } from "./paths.ts";
import type { Project } from "./project.ts";

/** Left out like something in .gitignore: `files` or a `!` in an ignore file brings them back. */
export const DEFAULT_OUT = [
  ".DS_Store",
  "._*",
  ".*.swp",
  ".svn/",
  ".hg/",
  "CVS/",
  "*.orig",
  "npm-debug.log",
  "package-lock.json",
  "yarn.lock",
  "pnpm-lock.yaml",
  "bun.lock",
  "bun.lockb",
];

const NEVER = new Set([
  ".git",
  "node_modules",
  "land_modules",
  ".npmrc",
  ".landrc",
  ".land",
  "land.lock",
]);

/** Endings that Node and bundlers try for a `main` without one. */
const MAIN_ENDINGS = ["", ".ts", ".js", ".mjs", ".cjs", ".json", "/index.ts", "/index.js"];

/** Why a path stays out whatever the project says; undefined where it need not. */
export function neverReason(
  project: Project,
  path: string,
  leaveOut: string[],
): string | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  if (NEVER.has(name)) return `never included (${name})`;
  if (name.startsWith(".env")) return "never included (.env*)";
  if (name.endsWith(".pem")) return "never included (*.pem)";
  if (foldPath(path) === foldPath(project.installDir)) return "never included (installDir)";
  if (leaveOut.includes(path) || isOwnArchive(project, path)) return "never included (an archive)";
  return undefined;
}

/** Why a file goes in whatever the ignore files say; undefined where it need not. */
export function alwaysReason({ manifest }: Project, path: string): string | undefined {
  if (path === "land.json" || path === "package.json") return "always included (manifest)";
  if (!path.includes("/") && /^readme/i.test(path)) return "always included (README)";
  if (!path.includes("/") && /^licen[cs]e/i.test(path)) return "always included (LICENSE)";
  const spelled = path.normalize("NFC");
  if (Object.values(manifest.bin).includes(spelled)) return "always included (bin)";
  if (isMain(manifest.main, spelled)) return "always included (main)";
  return undefined;
}

/** Whether `path` is what `main` names, spelled out or not. */
export function isMain(main: string | undefined, path: string): boolean {
  if (main === undefined) return false;
  return MAIN_ENDINGS.some(
    (ending) => `${main}${ending}` === path || (main === "." && ending === `/${path}`),
  );
}

/** `ada-greet-1.2.3.tgz`, as npm names it. */
export function archiveFileName(name: string, version: string): string {
  return `${stemOf(name)}-${version}.tgz`;
}

/** An archive of this package in its own folder, of whatever version. */
function isOwnArchive({ manifest }: Project, path: string): boolean {
  if (manifest.name === undefined || !path.endsWith(".tgz") || path.includes("/")) return false;
  const stem = `${stemOf(manifest.name)}-`;
  return path.startsWith(stem) && isVersion(path.slice(stem.length, -".tgz".length));
}

function stemOf(name: string): string {
  return name.replace(/^@/, "").replace("/", "-");
}
