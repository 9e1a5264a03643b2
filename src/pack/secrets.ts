import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { isTokenSecret } from "#base/tokens.ts";
import { fileFailed } from "#store/files.ts";

import type { Project } from "./project.ts";
import type { Selection } from "./select.ts";

/** A file that looks as if it held what only its owner should know. */
export type Secret = {
  path: string;
  /** What it looks like: `a private key`. */
  what: string;
};

/** More bytes than any file with a secret has; what is larger is data. */
export const MAX_SECRET_BYTES = 1_048_576;
/** Which shapes are looked for: to be raised with each change of them, since what was found is kept. */
export const SECRETS_RULES = 1;

const NAMES: [what: string, name: RegExp][] = [
  ["a private key", /^id_(?:rsa|dsa|ecdsa|ed25519)$/],
  ["a key store", /\.(?:p12|pfx|jks|keystore|kdbx)$/],
  ["stored passwords", /^(?:\.netrc|\.pypirc|\.git-credentials|\.htpasswd)$/],
];

/** A header alone, as in code that reads keys, or with dots after it, as in a manual, is none: a line of the key follows it. */
const CONTENTS: [what: string, form: RegExp][] = [
  [
    "a private key",
    /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\r?\n|\\n)(?:[\w-]+: .*\n)*\s*[\w+/=]{40}/,
  ],
  ["a signing key of land", /\bed25519-secret:[\w-]{43}(?![\w-])/],
  ["a key of AWS", /\b(?:AKIA|ASIA)[A-Z2-7]{9}(?!EXAMPLE)[A-Z2-7]{7}\b/],
  ["a token of GitHub", /\b(?:gh[opsur]_[A-Za-z0-9]{36}|github_pat_\w{82})\b/],
  ["a token of npm", /\bnpm_[A-Za-z0-9]{36}\b/],
];

/**
 * Finds what looks like a secret among the chosen files, by name and by content; one per file. Only shapes that hardly
 * anything else has are looked for, so finding nothing is no proof that there is none.
 *
 * @throws file_failed
 */
export async function findSecrets(
  { dir }: Pick<Project, "dir">,
  { files }: Selection,
): Promise<Secret[]> {
  const found: Secret[] = [];
  for (const { path, sizeBytes } of files) {
    const what =
      secretName(path) ??
      (sizeBytes > MAX_SECRET_BYTES ? undefined : secretIn(await readLatin(join(dir, path))));
    if (what !== undefined) found.push({ path, what });
  }
  return found;
}

/** What a file looks like by its name alone. */
export function secretName(path: string): string | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  return NAMES.find(([, form]) => form.test(name))?.[0];
}

/** What a file's content looks like, each byte taken for a letter. */
export function secretIn(text: string): string | undefined {
  const token = text.match(/\bland_[0-9A-Za-z]{49}\b/g)?.some(isTokenSecret);
  return token === true ? "a token of land" : CONTENTS.find(([, form]) => form.test(text))?.[0];
}

/** Every byte is a letter, so any file can be searched; all shapes are ASCII. */
async function readLatin(path: string): Promise<string> {
  return readFile(path, "latin1").catch((cause: unknown) => {
    throw fileFailed("read", path, cause);
  });
}
