import type { Look } from "./files.ts";
import type { Place } from "./place.ts";
import type { Step } from "./steps.ts";

const MS_RDONLY = 1;
const MS_NOSUID = 2;
const MS_NODEV = 4;
const MS_NOEXEC = 8;
const MS_REMOUNT = 32;
const MS_BIND = 4096;
const MS_REC = 16_384;
const MS_PRIVATE = 1 << 18;
const MNT_DETACH = 2;
const AT_FDCWD = -100;
const EMPTY_FILE = 0o100644;

/** Every Linux has it, and nothing that a guest needs lies in it. Only this process sees what is put there. */
const BASE = "/sys";
const BINARY = "/land";
const SITE = "/site";
const SYSTEM = ["/lib", "/lib64", "/lib32", "/usr/lib", "/usr/lib64"];

/**
 * Moves a process, which has mounts of its own already, into a root that holds the program, the system's libraries, the site's folder as
 * `/site`, and nothing else: not even names outside can be learnt, and a folder that only root may pass is no obstacle.
 */
export function rootSteps(files: Look, host: Place): { steps: Step[]; place: Place } {
  const steps: Step[] = [
    mountStep("none", "/", "none", MS_REC | MS_PRIVATE),
    mountStep("land", BASE, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m"),
  ];
  const { put, link } = createTree(files, steps);
  put(host.binary, BINARY, MS_RDONLY | MS_NODEV);
  for (const folder of SYSTEM) {
    const found = files.look(folder);
    // A folder of the system's libraries, or the link that it is (`/lib` → `usr/lib`).
    if (found?.isLink) link(folder, files.readLink(folder));
    else if (found) put(folder, folder, MS_RDONLY | MS_NODEV);
  }
  for (const file of [...host.libraries, "/etc/ld.so.cache"].filter(isOutside))
    if (file !== host.binary && files.look(file)) put(file, file, MS_RDONLY | MS_NODEV);
  put("/dev/null", "/dev/null", MS_NOEXEC);
  put("/dev/urandom", "/dev/urandom", MS_NOEXEC);
  put("/proc", "/proc", MS_NOEXEC | MS_NODEV);
  if (host.project !== null) put(host.project, host.project, MS_RDONLY | MS_NODEV);
  if (host.site !== null)
    put(host.site, SITE, MS_NOEXEC | MS_NODEV | (host.readOnly ? MS_RDONLY : 0));
  const site = host.site === null ? null : SITE;
  steps.push(
    mountStep("none", BASE, "none", MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV),
    { what: "chdir", call: "chdir", args: [BASE] },
    { what: "pivot_root", call: "pivot_root", args: [".", "."] },
    { what: "umount2", call: "umount2", args: [".", MNT_DETACH] },
    { what: "chdir", call: "chdir", args: [site ?? "/"] },
  );
  return { steps, place: { ...host, binary: BINARY, site } };
}

function mountStep(what: string, where: string, type: string, flags: number, data?: string): Step {
  const args = [what, where, type, flags, data ?? 0];
  return { what: `mount of "${what}" at "${where}"`, call: "mount", args };
}

function isOutside(path: string): boolean {
  return !SYSTEM.some((folder) => path.startsWith(`${folder}/`));
}

/** Puts what is outside into the new root, which is empty, with the folders above it. */
function createTree(
  files: Look,
  steps: Step[],
): {
  put: (from: string, to: string, flags: number) => void;
  link: (path: string, target: string) => void;
} {
  const folders = new Set([BASE]);
  function makeFolder(path: string): void {
    if (folders.has(path)) return;
    makeFolder(above(path));
    folders.add(path);
    steps.push({ what: `mkdir of "${path}"`, call: "mkdirat", args: [AT_FDCWD, path, 0o755] });
  }
  return {
    put(from, given, flags) {
      const to = BASE + (given.endsWith("/") ? given.slice(0, -1) : given);
      makeFolder(above(to));
      if (files.look(from)?.isFolder) makeFolder(to);
      else
        steps.push({
          what: `mknod of "${to}"`,
          call: "mknodat",
          args: [AT_FDCWD, to, EMPTY_FILE, 0],
        });
      steps.push(
        mountStep(from, to, "none", MS_BIND),
        mountStep("none", to, "none", MS_BIND | MS_REMOUNT | MS_NOSUID | flags),
      );
    },
    link(path, target) {
      makeFolder(above(BASE + path));
      const args = [target, AT_FDCWD, BASE + path];
      steps.push({ what: `symlink of "${path}"`, call: "symlinkat", args });
    },
  };
}

function above(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
