import type { Look } from "./files.ts";
import type { Syscall } from "./libc.ts";

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const OWN_FOLDER = 0o700;

/**
 * Makes a uid the owner of a folder and of all that lies in it. The folder itself comes last, so one that has its owner is done. No link is
 * followed: what a hostile program left cannot lead the server to a file of others. Nothing else may write there meanwhile.
 */
export function giveAway(syscall: Syscall, files: Look, folder: string, uid: number): void {
  if (files.look(folder)?.uid === uid) return;
  // Rarely needed, and slow to load.
  const { readdirSync } = process.getBuiltinModule("node:fs");
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) giveAway(syscall, files, path, uid);
    else own(syscall, path, uid);
  }
  own(syscall, folder, uid);
  syscall("fchmodat", AT_FDCWD, folder, OWN_FOLDER);
}

function own(syscall: Syscall, path: string, uid: number): void {
  const result = syscall("fchownat", AT_FDCWD, path, uid, uid, AT_SYMLINK_NOFOLLOW);
  if (result < 0) throw new Error(`cannot make uid ${uid} the owner of "${path}": ${-result}`);
}
