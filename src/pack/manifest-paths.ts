import type { PackageName } from "#base/names.ts";
import { isRange } from "#base/ranges.ts";

import { emptyMap, isMap } from "./json.ts";
import type { Fields } from "./manifest-fields.ts";
import { problemOfPath } from "./paths.ts";

/**
 * A path of a manifest in one form: relative, `/` between segments, without `./`; "." is the project itself.
 *
 * @throws manifest_invalid where it may leave the project
 */
export function projectPath(fields: Fields, field: string, value: unknown): string {
  const text = fields.asText(field, value);
  const path = text.replace(/^(?:\.\/+)+/, "").replace(/\/+$/, "");
  if (text !== "" && !text.startsWith("/") && (path === "" || path === ".")) return ".";
  const problem = problemOfPath(path);
  if (problem !== undefined)
    throw fields.refuse(
      field,
      `${problem}: give a path inside the project, with "/" between names`,
    );
  return path.normalize("NFC");
}

/** `main`, if any. @throws manifest_invalid */
export function readMain(fields: Fields): string | undefined {
  const main = fields.value("main");
  if (main === undefined || main === "") return undefined;
  // Packages of types alone write `"main": false`.
  if (main === false && fields.file === "package.json") return undefined;
  return projectPath(fields, "main", main);
}

/** `bin` as a map of command → file; a single text is named after the package. @throws manifest_invalid */
export function readBin(fields: Fields, name: PackageName | undefined): Record<string, string> {
  const bin = emptyMap<string>();
  const value = fields.value("bin");
  if (value === undefined) return bin;
  if (typeof value === "string") {
    const command = name?.slice(name.indexOf("/") + 1);
    if (command === undefined)
      throw fields.refuse("bin", "is one path, so the package needs a name");
    bin[checkCommand(fields, command)] = projectPath(fields, "bin", value);
    return bin;
  }
  for (const [command, path] of Object.entries(fields.asMap("bin", value)))
    bin[checkCommand(fields, command)] = projectPath(fields, `bin.${command}`, path);
  return bin;
}

function checkCommand(fields: Fields, command: string): string {
  const problem = problemOfCommand(command);
  if (problem !== undefined) throw fields.refuse(`bin.${command}`, problem);
  return command;
}

/** Why a text cannot be the name of a command, as the end of a sentence about it; undefined where it can. */
export function problemOfCommand(text: string): string | undefined {
  if (!/^[A-Za-z0-9._-]{1,100}$/.test(text) || /^\.+$/.test(text))
    return "is not a command name: use letters, digits, `.`, `_` and `-`";
  return text.toLowerCase() === "land" ? "is not allowed: that command is land itself" : undefined;
}

/** `files`: patterns relative to the project, `!` first where one takes away. @throws manifest_invalid */
export function readFilePatterns(fields: Fields): string[] | undefined {
  if (fields.value("files") === undefined) return undefined;
  return fields.texts("files").map((text, at) => globPattern(fields, `files[${at}]`, text));
}

/** `workspaces`: folders or patterns of folders; npm's `{packages}` too. @throws manifest_invalid */
export function readWorkspaces(fields: Fields): string[] {
  const value = fields.value("workspaces");
  if (value === undefined) return [];
  const list = isMap(value)
    ? fields.asTexts("workspaces.packages", value["packages"] ?? [])
    : fields.asTexts("workspaces", value);
  return list.map((text, at) => globPattern(fields, `workspaces[${at}]`, text));
}

/** npm anchors a pattern by a leading "/"; land.json has no need of it, so there it is an absolute path. */
function globPattern(fields: Fields, field: string, text: string): string {
  const sign = text.startsWith("!") ? "!" : "";
  const rest = text.slice(sign.length);
  const anchored = fields.file === "package.json" ? rest.replace(/^\/+(?=.)/, "") : rest;
  return sign + projectPath(fields, field, anchored);
}

/** `installDir`, a folder of the project other than itself. @throws manifest_invalid */
export function readInstallDir(fields: Fields): string | undefined {
  const value = fields.value("installDir");
  if (value === undefined) return undefined;
  const dir = projectPath(fields, "installDir", value);
  if (dir === "." || dir.split("/").some((part) => part.toLowerCase() === ".git"))
    throw fields.refuse("installDir", "is not a folder that land may fill");
  return dir;
}

/** A map of texts that land carries as it is. npm's old lists are left out. @throws manifest_invalid */
export function readCarriedMap(
  fields: Fields,
  key: "engines" | "peerDependencies",
): Record<string, string> {
  const carried = emptyMap<string>();
  const value = fields.value(key);
  if (value === undefined || (Array.isArray(value) && fields.file === "package.json"))
    return carried;
  for (const [name, text] of Object.entries(fields.asMap(key, value)))
    carried[name] = fields.asText(`${key}.${name}`, text);
  const own = key === "engines" ? carried["land"] : undefined;
  if (own !== undefined && !isRange(own))
    throw fields.refuse("engines.land", "is not a version range");
  return carried;
}
