import { join, resolve } from "node:path";

import { isMap, readJson } from "#pack/json.ts";
import { createRemote, type Remote } from "#remote/client.ts";
import { fileCredentials, findToken } from "#remote/credentials.ts";
import { parseRegistryUrl } from "#remote/registry-url.ts";
import { readTextIfAny } from "#store/files.ts";

import { readArgs } from "./argv.ts";
import { type Candidate, rememberedWords } from "./complete-cache.ts";
import type { Place } from "./complete.ts";
import { SHELLS } from "./completion-scripts.ts";
import { homeOf, registryOf } from "./connect.ts";
import { type Context, createContext, type World } from "./context.ts";

export type { Candidate } from "./complete-cache.ts";

/** Where candidates come from: `files` and `folders` from the shell, the rest from what is known here or at the registry. */
export type Source =
  | "nothing"
  | "files"
  | "folders"
  | "required"
  | "installed"
  | "globals"
  | "registry-packages"
  | "registries"
  | "sites"
  | "settings"
  | readonly string[];

/** What is asked: the beginning of a word, and the flags that decide where to look. */
export type Question = {
  world: World;
  wanted: string;
  registry: string | undefined;
  cwd: string | undefined;
};

/** How long a registry may take. */
const ANSWER_MS = 500;
const PACKAGES_FRESH_MS = 5 * 60 * 1000;
const SITES_FRESH_MS = 60 * 1000;
const MOST = 30;

/** First arguments by command; with -g those of `GLOBAL`. */
const ARGUMENTS: Readonly<Record<string, Source>> = {
  add: "registry-packages",
  info: "registry-packages",
  "why-not": "registry-packages",
  yank: "registry-packages",
  deprecate: "registry-packages",
  "owner list": "registry-packages",
  "owner add": "registry-packages",
  "owner remove": "registry-packages",
  "tag list": "registry-packages",
  "tag set": "registry-packages",
  "tag remove": "registry-packages",
  remove: "required",
  uninstall: "required",
  update: "installed",
  outdated: "installed",
  why: "installed",
  trust: "installed",
  "config get": "settings",
  "config set": "settings",
  "config unset": "settings",
  completions: SHELLS,
  run: "files",
  deploy: "folders",
  dev: "folders",
};
const GLOBAL: Readonly<Record<string, Source>> = {
  install: "registry-packages",
  uninstall: "globals",
  update: "globals",
  list: "globals",
};
/** Commands all of whose arguments are of one kind. */
const EACH = new Set(["add", "remove", "uninstall", "update", "outdated", "install"]);

/** Where the candidates for a place come from. */
export function sourceOf(command: string, place: Place, rest: readonly string[]): Source {
  if (place.kind === "value") return sourceOfFlag(place.key, place.flag);
  if (place.kind !== "argument") return "nothing";
  const { key, arg, given } = place;
  const name = "name" in arg && arg.name !== undefined ? arg.name : key;
  if (command === "run" && given.length > 0) return "files";
  if (name === "site") return "sites";
  if (given.length > 0 && !EACH.has(command)) return sourceOfName(name);
  const forUser = rest.some((word) => /^(?:-[a-z]*g[a-z]*|--global)$/.test(word));
  const own = forUser ? GLOBAL[command] : ARGUMENTS[command];
  return own ?? sourceOfName(name);
}

function sourceOfFlag(
  key: string,
  { oneOf, value }: { oneOf?: readonly string[]; value: string },
): Source {
  if (oneOf) return oneOf;
  if (key === "registry") return "registries";
  if (key === "site") return "sites";
  return sourceOfName(value.toLowerCase());
}

function sourceOfName(name: string): Source {
  if (/^(?:dir|folder)$/.test(name)) return "folders";
  return /^(?:file|path|archive)$/.test(name) ? "files" : "nothing";
}

/** How each source that is not in the flag's own words is asked. */
const READERS: Readonly<
  Record<string, (context: Context, wanted: string) => Promise<Candidate[]>>
> = {
  required: requiredPackages,
  installed: installedPackages,
  globals: globalPackages,
  "registry-packages": registryPackages,
  registries,
  sites,
  settings,
};

/** The candidates of a source. It fails with whatever keeps it from answering: the caller shows nothing then. */
export async function candidatesFor(source: Source, question: Question): Promise<Candidate[]> {
  if (typeof source === "object") return source.map((text) => ({ text }));
  return READERS[source]?.(contextOf(question), question.wanted) ?? [];
}

function contextOf({ world, registry, cwd }: Question): Context {
  const flags = [
    ...(registry === undefined ? [] : [`--registry=${registry}`]),
    ...(cwd === undefined ? [] : [`--cwd=${resolve(world.cwd, cwd)}`]),
  ];
  const quiet: World = { ...world, argv: ["complete"] };
  const globals = readArgs({}, [...flags, "--quiet"], {});
  return createContext(quiet, globals, AbortSignal.timeout(ANSWER_MS), () => undefined);
}

async function requiredPackages({ cwd }: Context): Promise<Candidate[]> {
  const { readProject } = await import("#pack/project.ts");
  const { manifest } = await readProject(cwd);
  const { dependencies, devDependencies, optionalDependencies } = manifest;
  return Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies }).map(
    ([text, about]) => ({ text, about }),
  );
}

async function installedPackages({ cwd }: Context): Promise<Candidate[]> {
  const { listInstalled } = await import("#install/list.ts");
  const { packages } = await listInstalled(cwd);
  return packages.map(({ name, version }) => ({ text: name, about: version }));
}

/** Read alone: a press of Tab mends nothing. */
async function globalPackages(context: Context): Promise<Candidate[]> {
  const { stateFile } = await import("#install/state.ts");
  const { globals } = await stateFile(homeOf(context)).read();
  return globals.map(({ name, version }) => ({ text: name, about: version }));
}

/** Packages that begin so; once the name is whole and an `@` follows, its tags and versions. */
async function registryPackages(context: Context, wanted: string): Promise<Candidate[]> {
  if (wanted === "") return [];
  const registry = await registryOf(context);
  const at = wanted.indexOf("@", 1);
  const asked = at < 0 ? wanted : wanted.slice(0, at + 1);
  return rememberedWords(context, `${registry} ${asked}`, PACKAGES_FRESH_MS, async () => {
    const remote = await quickRemote(context);
    if (at < 0) {
      const { items } = await remote.search({ q: wanted, limit: String(MOST) });
      return items.map(({ name, description }) => ({ text: name, about: description ?? "" }));
    }
    const name = wanted.slice(0, at);
    const { tags, versions } = await remote.readPackage(name);
    const newest = versions.slice(-MOST).toReversed();
    return [
      ...Object.entries(tags).map(([tag, about]) => ({ text: `${name}@${tag}`, about })),
      ...newest.map(({ version }) => ({ text: `${name}@${version}` })),
    ];
  });
}

async function sites(context: Context): Promise<Candidate[]> {
  const registry = await registryOf(context);
  return rememberedWords(context, `${registry} sites`, SITES_FRESH_MS, async () => {
    const remote = await quickRemote(context);
    return (await remote.listSites()).map(({ name }) => ({ text: name }));
  });
}

/** One try, and soon given up. The keychain is not asked: it may want to be unlocked, and a prompt is no place for that. */
async function quickRemote(context: Context): Promise<Remote> {
  const registry = await registryOf(context);
  const { env, signal, now } = context;
  const userDefault = parseRegistryUrl((await context.config())["registry.default"]);
  const credentials = fileCredentials(homeOf(context));
  const found = await findToken(registry, { env, userDefault, credentials }).catch(() => undefined);
  return createRemote({
    registry,
    signal,
    now,
    network: { tries: 1, answerTimeoutMs: ANSWER_MS },
    ...(found && { token: found.token }),
  });
}

/** The default, those that are trusted, and those that the user signed in to. */
async function registries({ config, landHome }: Context): Promise<Candidate[]> {
  const found = await config();
  const text = await readTextIfAny(join(landHome, "credentials.json"));
  const read = text === undefined ? undefined : readJson(text);
  const file = read && !("problem" in read) && isMap(read.value) ? read.value["registries"] : {};
  const known = isMap(file) ? Object.keys(file) : [];
  const all = [found["registry.default"], ...found["registry.trusted"], ...known];
  return [...new Set(all)].map((address) => ({ text: address }));
}

async function settings(): Promise<Candidate[]> {
  const { CLIENT_SETTINGS } = await import("#remote/config/model.ts");
  return Object.entries(CLIENT_SETTINGS).map(([text, { about }]) => ({ text, about }));
}
