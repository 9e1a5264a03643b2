import { fail } from "#base/errors.ts";
import { parseVersion, printable, type Version } from "#base/names.ts";
import { byText } from "#base/order.ts";
import { isMap, readJson } from "#pack/json.ts";
import {
  parseSignature,
  type PrivateKey,
  type Signature,
  signText,
  verifyText,
} from "#pack/sign.ts";

/** The file of a release that says what it holds. It stands beside the binaries. */
export const RELEASE_FILE = "latest.json";
/** No binary of land is as large; a manifest that says so is not believed. */
const MAX_BINARY_BYTES = 1_000_000_000;

/** A binary of a release. */
export type ReleaseFile = {
  /** Relative to the manifest, with `/`. */
  file: string;
  /** Hex. */
  sha256: string;
  size: number;
};

/** A release: its binaries by platform. */
export type Release = { version: Version; files: Readonly<Record<string, ReleaseFile>> };

/** The text of `latest.json`, signed where there is a key. */
export async function writeRelease(release: Release, key: PrivateKey | undefined): Promise<string> {
  const sig = key && (await signText(key, messageOf(release)));
  return `${JSON.stringify({ ...release, ...(sig && { sig }) }, null, 2)}\n`;
}

/**
 * Reads a release that one of `keys` signed. Nothing of one that is signed otherwise, or not at all, is believed.
 *
 * @throws bad_answer where it is no such manifest, signature_invalid
 */
export async function readRelease(
  text: string,
  url: string,
  keys: readonly string[],
): Promise<Release> {
  const { release, sig } = parseRelease(text, url);
  const about = { name: "land", version: release.version };
  const refuse = (problem: string) => fail("signature_invalid", { ...about, problem });
  if (sig === undefined) throw refuse("the release is not signed");
  const signature: Signature = parseSignature(sig, about);
  if (!keys.includes(signature.key))
    throw refuse(`it was made by ${signature.key}, which this land does not know`);
  if (!(await verifyText(signature, messageOf(release))))
    throw refuse(`it is not one of ${signature.key} over this release`);
  return release;
}

function parseRelease(text: string, url: string): { release: Release; sig: unknown } {
  const refuse = (problem: string) => fail("bad_answer", { url: printable(url), problem });
  const read = readJson(text);
  if ("problem" in read || !isMap(read.value)) throw refuse("it is no release of land");
  const { version, files, sig } = read.value;
  if (!isMap(files)) throw refuse('its "files" is no object');
  const entries = Object.entries(files).map(([target, file]): [string, ReleaseFile] => {
    if (!/^[a-z0-9-]{1,40}$/.test(target)) throw refuse("it names a platform that is none");
    return [target, parseReleaseFile(file) ?? refuseWith(refuse, target)];
  });
  return { release: { version: parseVersion(version), files: Object.fromEntries(entries) }, sig };
}

function refuseWith(refuse: (problem: string) => Error, target: string): never {
  throw refuse(`its file for ${target} has no proper name, size and sha256`);
}

function parseReleaseFile(value: unknown): ReleaseFile | undefined {
  if (!isMap(value)) return undefined;
  const { file, sha256, size } = value;
  if (typeof file !== "string" || !/^[A-Za-z0-9_][\w.+-]*(?:\/[A-Za-z0-9_][\w.+-]*)*$/.test(file))
    return undefined;
  if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256)) return undefined;
  if (typeof size !== "number" || !Number.isSafeInteger(size)) return undefined;
  return size > 0 && size <= MAX_BINARY_BYTES ? { file, sha256, size } : undefined;
}

/** What is signed: the version and every file, so that neither can be given for another. */
function messageOf({ version, files }: Release): string {
  const lines = Object.entries(files)
    .toSorted(([a], [b]) => byText(a, b))
    .map(([target, { file, sha256, size }]) => `${target} ${file} ${size} sha256:${sha256}\n`);
  return `land-release-v1\n${version}\n${lines.join("")}`;
}
