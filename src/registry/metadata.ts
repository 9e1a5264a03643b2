import { fail } from "#base/errors.ts";
import type { Inspection } from "#pack/inspect.ts";

/** What is served of a manifest. A function of the archive's bytes alone. */
export type Metadata = {
  description: string;
  license: string | null;
  repository: string | null;
  homepage: string | null;
  keywords: string[];
  dependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  engines: Record<string, string>;
  bin: Record<string, string>;
};

/** Longest description that is served, in characters; the manifest has the whole. */
const MAX_DESCRIPTION = 1000;
const MAX_KEYWORDS = 50;
const MAX_KEYWORD = 100;
/** All of it as JSON: every reader of a package gets that of every version. */
const MAX_CHARACTERS = 64 * 1024;

/** The metadata of an archive that was inspected. @throws manifest_invalid where it would swell the index */
export function metadataOf({ manifest }: Inspection): Metadata {
  const { dependencies, optionalDependencies, peerDependencies, engines, bin } = manifest;
  const metadata: Metadata = {
    description: cut(manifest.description ?? "", MAX_DESCRIPTION),
    license: manifest.license ?? null,
    repository: manifest.repository ?? null,
    homepage: manifest.homepage ?? null,
    keywords: manifest.keywords.slice(0, MAX_KEYWORDS).map((word) => cut(word, MAX_KEYWORD)),
    dependencies,
    optionalDependencies,
    peerDependencies,
    engines,
    bin,
  };
  if (JSON.stringify(metadata).length <= MAX_CHARACTERS) return metadata;
  const problem = `tells more than ${MAX_CHARACTERS} characters about what it requires and is`;
  throw fail("manifest_invalid", { file: manifest.file, field: "", problem });
}

/** The beginning of a text, never half of a character: no address could be made of it. */
function cut(text: string, length: number): string {
  const start = text.slice(0, length);
  return start.isWellFormed() ? start : start.slice(0, -1);
}
