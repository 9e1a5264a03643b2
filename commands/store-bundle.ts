import { resolve } from "node:path";

import { fail } from "#base/errors.ts";
import { exportBundle } from "#install/bundle-export.ts";
import { importBundle } from "#install/bundle-import.ts";
import { parseLock } from "#install/lockfile.ts";
import { readTextIfAny } from "#store/files.ts";

import { defineCommand } from "./command.ts";
import { renderBytes, renderCount } from "./render.ts";
import { storeHome } from "./store.ts";

/** Writes archives into one file for machines without network. */
export const exportAll = defineCommand({
  more: `With --lock exactly what that lock names, with what the registries told of it; without, all that the store has. The
file is a tar: manifest.json, the archives by their checksum, the indexes. The same content gives the same bytes.
With --json: {"path","packages","indexes","sizeBytes"}.`,
  examples: [
    "land store export all.tar",
    "land store export app.tar --lock land.lock # what this project needs",
  ],
  args: {
    file: { type: "one", about: "The file to write" },
    lock: { type: "text", value: "FILE", about: "Only what this lock names", env: false },
  },
  async run(context, { file, lock }) {
    const path = resolve(context.cwd, file);
    const lockPath = lock === undefined ? undefined : resolve(context.cwd, lock);
    const text = lockPath === undefined ? undefined : await readTextIfAny(lockPath);
    if (lockPath !== undefined && text === undefined)
      throw fail("lock_missing", { path: lockPath });
    const parsed = text === undefined ? undefined : parseLock(text);
    const result = await exportBundle({ ...storeHome(context), path, lock: parsed });
    const { packages, sizeBytes } = result;
    context.say(`Wrote ${renderCount(packages, "package")}, ${renderBytes(sizeBytes)}`);
    return { value: result, text: path };
  },
});

/** Takes the packages of a bundle into the store. */
export const importAll = defineCommand({
  more: `The whole file is read and every checksum is compared before anything of it is taken. Afterwards
\`land install --offline --frozen\` works with the lock it was made from. What this machine knows from a registry stays.
With --json: {"added":[{"name","version","digest"}],"present","indexes"}.`,
  examples: ["land store import app.tar && land install --offline --frozen"],
  args: { file: { type: "one", about: "A file that `land store export` wrote" } },
  async run(context, { file }) {
    const result = await importBundle({ ...storeHome(context), path: resolve(context.cwd, file) });
    const { added, present } = result;
    context.say(`Took in ${renderCount(added.length, "package")}; ${present} were there`);
    return {
      value: result,
      text: added.map(({ name, version }) => `${name} ${version}`).join("\n"),
    };
  },
});
