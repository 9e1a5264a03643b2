import { createFiles, type Files } from "./files.ts";
import type { Syscall } from "./libc.ts";

/** Where a guest finds what it needs: absolute paths, as it sees them. */
export type Place = {
  binary: string;
  /** Arguments before the entry: the script, when run from source. */
  script: string[];
  /** The checkout with the script. */
  project: string | null;
  libraries: string[];
  /** The folder that may be written. */
  site: string | null;
  readOnly: boolean;
};

const CLONE_NEWNS = 0x00020000;
const MS_RDONLY = 1;
const MS_NOSUID = 2;
const MS_NODEV = 4;
const MS_NOEXEC = 8;
const MS_REMOUNT = 32;
const MS_BIND = 4096;
const MS_REC = 16_384;
const MS_PRIVATE = 1 << 18;
const MNT_DETACH = 2;

/** Every Linux has it, and nothing that a guest needs lies in it. Only this process sees what is put there. */
const BASE = "/sys";
const BINARY = "/land";
const SITE = "/site";
const SYSTEM = ["/lib", "/lib64", "/lib32", "/usr/lib", "/usr/lib64"];

/**
 * Moves this process into a root of its own that holds the program, the system's libraries, the site's folder as `/site`, and nothing else:
 * not even names outside can be learnt, and a folder that only root may pass is no obstacle. Where that cannot be had (no CAP_SYS_ADMIN,
 * as in most containers) everything stays where it is, and Landlock alone keeps files away.
 */
export function enterRoot(syscall: Syscall, host: Place): Place {
  if (syscall("unshare", CLONE_NEWNS) < 0) return host;
  const files = createFiles(syscall);
  const mount = (what: string, where: string, flags: number): void =>
    step(`mount of "${what}"`, syscall("mount", what, where, "none", flags, 0));
  const bind = (from: string, to: string, flags: number): void => {
    makeTarget(files, from, BASE + to);
    mount(from, BASE + to, MS_BIND);
    mount("none", BASE + to, MS_BIND | MS_REMOUNT | MS_NOSUID | flags);
  };
  mount("none", "/", MS_REC | MS_PRIVATE);
  step(
    "mount of a root",
    syscall("mount", "land", BASE, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m"),
  );
  bind(host.binary, BINARY, MS_RDONLY | MS_NODEV);
  for (const folder of SYSTEM) addSystem(files, folder, bind);
  for (const file of [...host.libraries, "/etc/ld.so.cache"].filter(isOutside))
    if (file !== host.binary && files.look(file)) bind(file, file, MS_RDONLY | MS_NODEV);
  bind("/dev/null", "/dev/null", MS_NOEXEC);
  bind("/dev/urandom", "/dev/urandom", MS_NOEXEC);
  bind("/proc", "/proc", MS_NOEXEC | MS_NODEV);
  if (host.project !== null) bind(host.project, host.project, MS_RDONLY | MS_NODEV);
  if (host.site !== null)
    bind(host.site, SITE, MS_NOEXEC | MS_NODEV | (host.readOnly ? MS_RDONLY : 0));
  mount("none", BASE, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV);
  step("chdir", syscall("chdir", BASE));
  step("pivot_root", syscall("pivot_root", ".", "."));
  step("umount2", syscall("umount2", ".", MNT_DETACH));
  step("chdir", syscall("chdir", host.site === null ? "/" : SITE));
  return { ...host, binary: BINARY, site: host.site === null ? null : SITE };
}

function step(name: string, result: number): void {
  if (result < 0) throw new Error(`${name} failed with ${-result}`);
}

function isOutside(path: string): boolean {
  return !SYSTEM.some((folder) => path.startsWith(`${folder}/`));
}

/** A folder of the system's libraries, or the link that it is (`/lib` → `usr/lib`). */
function addSystem(
  files: Files,
  folder: string,
  bind: (from: string, to: string, flags: number) => void,
): void {
  const found = files.look(folder);
  if (found === undefined) return;
  if (found.isLink) files.makeLink(files.readLink(folder), BASE + folder);
  else bind(folder, folder, MS_RDONLY | MS_NODEV);
}

/** What a mount is put on. */
function makeTarget(files: Files, from: string, target: string): void {
  if (files.look(from)?.isFolder) files.makeFolder(target);
  else files.makeFile(target);
}
