import { mkdir, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Writes files by relative path into a folder, making folders as needed. */
export async function writeFiles(
  dir: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await Bun.write(join(dir, path), content);
  }
}

/** Every regular file below a folder: relative path → sha256 hex, sorted, dot folders of land left out. */
export async function hashTree(dir: string): Promise<Record<string, string>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
  const hashes: Record<string, string> = {};
  for (const file of files)
    hashes[file.slice(dir.length + 1)] = new Bun.CryptoHasher("sha256")
      .update(await Bun.file(file).bytes())
      .digest("hex");
  return hashes;
}
