import { fail } from "#base/errors.ts";

import { checkAgreement } from "./agreement.ts";
import { MAX_JSON_BYTES } from "./json.ts";
import {
  decodeManifest,
  type ManifestFile,
  parseManifest,
  type PublishableManifest,
  requirePublishable,
} from "./manifest.ts";

/** Bytes to keep of a manifest while an archive is read: one more than it may have, so that its reader says what is wrong. */
export const MAX_MANIFEST_BYTES = MAX_JSON_BYTES + 1;

/** Whether a file of an archive is one of its manifests. */
export function isManifestFile(path: string): path is ManifestFile {
  return path === "land.json" || path === "package.json";
}

/**
 * The manifest of an archive, from the manifests in it by file name. Both ends read it so: where both stand they must say
 * the same.
 *
 * @throws archive_invalid where there is none, manifest_invalid
 */
export function readArchiveManifest(texts: ReadonlyMap<string, Uint8Array>): PublishableManifest {
  const read = (file: ManifestFile) => {
    const bytes = texts.get(file);
    return bytes && parseManifest(file, decodeManifest(file, bytes));
  };
  const [land, npm] = [read("land.json"), read("package.json")];
  if (land && npm) checkAgreement(land, npm);
  const manifest = land ?? npm;
  if (manifest) return requirePublishable(manifest);
  throw fail("archive_invalid", {
    entry: "",
    problem: "it holds neither package/land.json nor package/package.json",
  });
}
