import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

/** Every source file of the product, by path. */
export async function sources(): Promise<Map<string, string>> {
  const root = join(import.meta.dir, "../..");
  const texts = new Map<string, string>();
  for (const folder of ["src", "commands", "web", "plugins"].filter((name) =>
    existsSync(join(root, name)),
  ))
    for (const path of await readdir(join(root, folder), { recursive: true }))
      if (/\.[jt]sx?$/.test(path))
        texts.set(`${folder}/${path}`, await Bun.file(join(root, folder, path)).text());
  if (texts.size < 200) throw new Error(`only ${texts.size} files were found`);
  return texts;
}
