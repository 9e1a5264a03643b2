import { expect, test } from "bun:test";

import { makeTokenSecret } from "#base/tokens.ts";
import { findSecrets } from "#pack/secrets.ts";
import { temporaryFolder } from "#test/support/land.ts";
import { writeFiles } from "#test/support/project.ts";

const token = makeTokenSecret((bytes) => new Uint8Array(bytes).fill(7));
// In parts, so that no scanner takes this file for a leak.
const begin = ["-----BEGIN OPENSSH PRIVATE", "KEY-----"].join(" ");
const aws = ["AK", "IAABCDEFGH234567QR"].join("");
const github = ["ghp", "a1".repeat(18)].join("_");
const npm = ["npm", "a1".repeat(18)].join("_");

const line = "b3BlbnNzaC1rZXk".repeat(4);

test.each([
  ["deploy/id_ed25519", "", "a private key"],
  ["Cert.P12", "", "a key store"],
  [".netrc", "", "stored passwords"],
  ["key.txt", `${begin}\n${line}\n`, "a private key"],
  ["key.json", `{"key":"${begin}\\n${line}"}`, "a private key"],
  ["a.ts", `const token = "${token}";`, "a token of land"],
  ["b.ts", `ed25519-secret:${"a".repeat(43)}`, "a signing key of land"],
  ["c.yml", `key: ${aws}`, "a key of AWS"],
  ["d.yml", github, "a token of GitHub"],
  ["e.yml", npm, "a token of npm"],
  ["binary.bin", `\u0000\u0001${token}\u0000`, "a token of land"],
  ["old.pem.txt", `${begin}\nProc-Type: 4,ENCRYPTED\nDEK-Info: X\n\n${line}\n`, "a private key"],
  // No secret: a public key, code that looks for keys, examples, a token with a wrong checksum.
  ["id_ed25519.pub", "ssh-ed25519 AAAA", undefined],
  ["read.ts", `if (text.startsWith("${begin}")) return;`, undefined],
  ["manual.md", `${begin}\n...\nKh9NV...\n...\n`, undefined],
  ["doc.md", "AKIAIOSFODNN7EXAMPLE and land_… and ghp_…", undefined],
  ["f.ts", `${token.slice(0, -1)}_`, undefined],
  ["g.ts", `land_${"a".repeat(49)}`, undefined],
])("%s", async (path, content, what) => {
  await using root = await temporaryFolder("secrets");
  await writeFiles(root.path, { [path]: content });
  const files = [{ path, sizeBytes: content.length, executable: false, why: "default" }];
  const found = await findSecrets({ dir: root.path }, { files, skipped: [] });
  expect(found).toEqual(what === undefined ? [] : [{ path, what }]);
});
