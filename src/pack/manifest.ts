/**
 * `src/pack` is the archive: manifest, choice of files, tar and gzip both ways, checksums, signatures.
 * The registry, the npm protocol, the installer and the commands call it. It must never ask the network, a clock or
 * the environment, and never trust a byte that it reads.
 */
import { fail } from "#base/errors.ts";
import type { PackageName, Version } from "#base/names.ts";
import type { Range } from "#base/ranges.ts";

import { emptyMap, isMap, type JsonMap, readJson } from "./json.ts";
import {
  type DependencyMap,
  isWorkspaceRange,
  readDependencies,
  readDevDependencies,
  readName,
  readVersion,
  type Unsolvable,
  type WorkspaceRange,
} from "./manifest-dependencies.ts";
import { createFields, type Fields, type ManifestFile } from "./manifest-fields.ts";
import { readOverrides, type ScopedOverride } from "./manifest-overrides.ts";
import {
  readBin,
  readCarriedMap,
  readFilePatterns,
  readInstallDir,
  readMain,
  readWorkspaces,
} from "./manifest-paths.ts";
import { readSite, type SiteSettings } from "./manifest-site.ts";
import {
  readAuthors,
  readHomepage,
  readKeywords,
  readLicense,
  readRepository,
} from "./manifest-texts.ts";

export type { DependencyMap, ManifestFile, ScopedOverride, SiteSettings, WorkspaceRange };

/** A manifest, checked and in one shape whichever file it came from. Maps have no prototype. Paths are relative, with `/`, without `./`. */
export type Manifest = {
  file: ManifestFile;
  name?: PackageName;
  version?: Version;
  description?: string;
  /** An SPDX expression as written. */
  license?: string;
  /** Where the source lives; an address as written, without npm's `git+` and with its shorthands spelled out. */
  repository?: string;
  /** Always http or https. */
  homepage?: string;
  keywords: string[];
  categories: string[];
  /** `Ada <ada@example.com>`, in order, each once. */
  authors: string[];
  main?: string;
  /** Command → file. */
  bin: { [command: string]: string };
  /** What to pack, as patterns; absent where everything is. */
  files?: string[];
  dependencies: DependencyMap<Range | WorkspaceRange>;
  devDependencies: DependencyMap<Range | WorkspaceRange>;
  optionalDependencies: DependencyMap<Range | WorkspaceRange>;
  peerDependencies: { [name: string]: string };
  overrides: DependencyMap<Range>;
  /** Overrides for what single packages ask for. */
  scopedOverrides: ScopedOverride[];
  /** What stands in `devDependencies` and `overrides` of a package.json and is nothing that land can solve. */
  unsolvable: Unsolvable[];
  engines: { [engine: string]: string };
  workspaces: string[];
  installDir?: string;
  site?: SiteSettings;
  /** The whole document, with the keys that land does not know. */
  raw: JsonMap;
};

/** A manifest that may be published: it has a name and a version, and no range that only a workspace understands. */
export type PublishableManifest = Omit<
  Manifest,
  "name" | "version" | "dependencies" | "optionalDependencies"
> & {
  name: PackageName;
  version: Version;
  dependencies: DependencyMap<Range>;
  optionalDependencies: DependencyMap<Range>;
};

/**
 * Reads the text of a `land.json` or `package.json`. npm's ways of writing a field are taken in both.
 *
 * @throws manifest_invalid
 */
export function parseManifest(file: ManifestFile, text: string): Manifest {
  const read = readJson(text);
  if ("problem" in read) throw fail("manifest_invalid", { file, ...read });
  if (!isMap(read.value))
    throw fail("manifest_invalid", { file, field: "", problem: "is not a JSON object" });
  const fields = createFields(file, read.value);
  const name = readName(fields);
  return {
    file,
    ...readTexts(fields, name),
    ...readNeeds(fields),
    ...readPaths(fields, name),
    raw: read.value,
  };
}

/** A manifest's bytes as text, as `parseManifest` takes it. @throws manifest_invalid for what is not UTF-8 */
export function decodeManifest(file: ManifestFile, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw fail("manifest_invalid", { file, field: "", problem: "is not UTF-8" });
  }
}

/** What the package is: the texts. */
function readTexts(fields: Fields, name: PackageName | undefined) {
  return {
    ...present("name", name),
    ...present("version", readVersion(fields)),
    ...present("description", fields.text("description")),
    ...present("license", readLicense(fields)),
    ...present("repository", readRepository(fields)),
    ...present("homepage", readHomepage(fields)),
    keywords: readKeywords(fields),
    categories: fields.texts("categories"),
    authors: readAuthors(fields),
  };
}

/** What the package needs: other packages and engines. */
function readNeeds(fields: Fields) {
  const { devDependencies, unsolvable } = readDevDependencies(fields);
  const overrides = readOverrides(fields);
  return {
    dependencies: readDependencies(fields, "dependencies"),
    optionalDependencies: readDependencies(fields, "optionalDependencies"),
    peerDependencies: readCarriedMap(fields, "peerDependencies"),
    devDependencies,
    ...overrides,
    unsolvable: [...unsolvable, ...overrides.unsolvable],
    engines: readCarriedMap(fields, "engines"),
  };
}

/** Where things lie: the paths. */
function readPaths(fields: Fields, name: PackageName | undefined) {
  return {
    ...present("main", readMain(fields)),
    bin: readBin(fields, name),
    ...present("files", readFilePatterns(fields)),
    workspaces: readWorkspaces(fields),
    ...present("installDir", readInstallDir(fields)),
    ...present("site", readSite(fields)),
  };
}

/** A property only where there is a value, as exactOptionalPropertyTypes wants it. */
function present<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V };
function present(key: string, value: unknown): { [key: string]: unknown } {
  return value === undefined ? {} : { [key]: value };
}

/**
 * The manifest as one that may be published.
 *
 * @throws manifest_invalid where name or version is missing, or a `workspace:` range is left
 */
export function requirePublishable(manifest: Manifest): PublishableManifest {
  const { file, name, version } = manifest;
  const missing = "is missing: a package that is published has one";
  if (name === undefined) throw fail("manifest_invalid", { file, field: "name", problem: missing });
  if (version === undefined)
    throw fail("manifest_invalid", { file, field: "version", problem: missing });
  return {
    ...manifest,
    name,
    version,
    dependencies: withoutWorkspaceRanges(manifest, "dependencies"),
    optionalDependencies: withoutWorkspaceRanges(manifest, "optionalDependencies"),
  };
}

function withoutWorkspaceRanges(
  manifest: Manifest,
  kind: "dependencies" | "optionalDependencies",
): DependencyMap<Range> {
  const map = emptyMap<Range>();
  for (const [name, range] of Object.entries(manifest[kind])) {
    if (isWorkspaceRange(range))
      throw fail("manifest_invalid", {
        file: manifest.file,
        field: `${kind}.${name}`,
        problem: `is "${range}", which only the workspace understands: publish with \`land publish --workspace\``,
      });
    map[name] = range;
  }
  return map;
}
