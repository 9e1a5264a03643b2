import { isWindowsDevice, printableLines } from "#base/names.ts";

/** The folder under which every entry of an archive lies. */
export const ROOT = "package";

/**
 * Why no machine should make a file of this path, as the end of a sentence about it; undefined where it is harmless.
 * The path is relative with `/` between its segments. Safe means safe on Linux, macOS and Windows alike.
 */
export function problemOfPath(path: string): string | undefined {
  if (path === "") return "is empty";
  if (path.includes("\0")) return "holds a NUL";
  if (path.includes("\\")) return "holds a backslash";
  if (/^[A-Za-z]:/.test(path)) return "is absolute: it begins with a drive letter";
  if (path.startsWith("/")) return "is absolute";
  if (/[\n\t]/.test(path) || printableLines(path) !== path)
    return "holds a control or an invisible character";
  if (path.includes("\uFFFD") || !path.isWellFormed()) return "is not valid UTF-8";
  for (const segment of path.split("/")) {
    const problem = problemOfSegment(segment);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function problemOfSegment(segment: string): string | undefined {
  if (segment === "") return "holds an empty segment";
  if (segment === ".") return 'holds a "." segment';
  if (segment === "..") return 'holds a ".." segment';
  if (/^[. ]+$/.test(segment)) return "holds a segment of nothing but dots and spaces";
  if (segment.includes(":")) return "holds a colon, which names a drive or a stream on Windows";
  // Windows takes "aux .c" for the device too.
  if (isWindowsDevice(segment.replace(/ +(?=\.)/, ""))) return "names a Windows device";
  return undefined;
}

/**
 * A form that is equal for two paths which some file system takes for one: NFC, case folded, and without the dots and
 * spaces that Windows drops at the end of a segment.
 */
export function foldPath(path: string): string {
  const trimmed = /[. ](?:\/|$)/.test(path) ? path.replace(/[. ]+(?=\/|$)/g, "") : path;
  // Upper first: it takes "ß" to "SS" and "ſ" to "S", which lower case alone leaves apart.
  return isAscii(trimmed)
    ? trimmed.toLowerCase()
    : trimmed.normalize("NFC").toUpperCase().toLowerCase().normalize("NFC");
}

/** Orders texts by their UTF-8 bytes, on every machine alike. Fits `Array.sort`. */
export function compareBytes(a: string, b: string): number {
  return isAscii(a) && isAscii(b)
    ? Number(a > b) - Number(a < b)
    : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Whether every character is ASCII. */
export function isAscii(text: string): boolean {
  return /^[\u0000-\u007f]*$/.test(text);
}
