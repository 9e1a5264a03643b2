import { closeSync, mkdirSync, openSync, read as readAt, readdirSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";

import { errorCode, fileFailed, syncFolder } from "./files.ts";

/** Values of a site that are too large for its file of rows, each a file of its own: read and written without holding anybody else. */
export type KvValues = {
  /** Writes a value down, before the row that names it; `onName` is told its name first. @throws file_failed */
  stage: (value: Uint8Array, onName: (name: string) => void) => Promise<string>;
  /** Opens a value at once, so that its removal does not matter, and reads it. @throws file_failed */
  read: (name: string, sizeBytes: number) => Promise<Uint8Array>;
  /** Removes values that nothing names any more. */
  remove: (names: readonly string[]) => Promise<void>;
  /** All that are there now. */
  list: () => string[];
};

/** The folder of values; made at the first one. `random`: strong bytes. */
export function openKvValues(folder: string, random: (bytes: number) => Uint8Array): KvValues {
  return {
    async stage(value, onName) {
      const name = Buffer.from(random(16)).toString("hex");
      onName(name);
      const path = join(folder, name);
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        const handle = await open(path, "wx", 0o600);
        try {
          await handle.writeFile(value);
          await handle.sync();
        } finally {
          await handle.close();
        }
        await syncFolder(folder);
      } catch (cause) {
        await rm(path, { force: true }).catch(() => undefined);
        throw fileFailed("store", "the value", cause);
      }
      return name;
    },
    async read(name, sizeBytes) {
      let descriptor: number | undefined;
      try {
        descriptor = openSync(join(folder, name), "r");
        return await readWhole(descriptor, sizeBytes);
      } catch (cause) {
        throw fileFailed("read", "the value", cause);
      } finally {
        if (descriptor !== undefined) closeSync(descriptor);
      }
    },
    async remove(names) {
      for (const name of names) await rm(join(folder, name), { force: true });
    },
    list() {
      try {
        return readdirSync(folder);
      } catch (cause) {
        if (errorCode(cause) === "ENOENT") return [];
        throw fileFailed("read", folder, cause);
      }
    },
  };
}

async function readWhole(descriptor: number, sizeBytes: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(sizeBytes);
  let filled = 0;
  while (filled < sizeBytes) {
    const part = await readPart(descriptor, bytes, filled);
    if (part === 0) throw new Error("it is shorter than it was written");
    filled += part;
  }
  return bytes;
}

function readPart(descriptor: number, bytes: Uint8Array, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    readAt(descriptor, bytes, at, bytes.byteLength - at, at, (error, count) =>
      error ? reject(error) : resolve(count),
    );
  });
}
