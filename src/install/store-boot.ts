import { readFileSync } from "node:fs";

import { openCLibrary } from "#base/c-library.ts";

/**
 * What names the running start of this machine; undefined where the system tells none. What was written under the same
 * name is still in its memory or on its disk: no power was lost since.
 */
export function readBootId(): string | undefined {
  try {
    if (process.platform === "linux") return named(readFileSync(LINUX, "utf8"));
    if (process.platform === "darwin") return named(readDarwin());
  } catch {
    // A container without /proc: then everything is brought to the disk at once.
  }
  return undefined;
}

const LINUX = "/proc/sys/kernel/random/boot_id";

/** @see sysctl(3), `kern.bootsessionuuid` */
function readDarwin(): string {
  const { sysctlbyname } = openCLibrary({
    sysctlbyname: { args: ["cstring", "ptr", "ptr", "ptr", "usize"], returns: "i32" },
  });
  const text = Buffer.alloc(64);
  const length = new BigUint64Array([BigInt(text.length)]);
  const name = Buffer.from("kern.bootsessionuuid\0");
  return sysctlbyname(name, text, length, null, 0) === 0 ? text.toString("latin1") : "";
}

function named(text: string): string | undefined {
  return /^[0-9A-Fa-f-]{36}/.exec(text)?.[0];
}
