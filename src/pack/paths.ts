import { brief } from "#base/brief.ts";
import { isWindowsDevice, printableLines } from "#base/names.ts";

/** The folder under which every entry of an archive lies. */
export const ROOT = "package";

/**
 * Why no machine should make a file of this path, as the end of a sentence about it; undefined where it is harmless.
 * The path is relative with `/` between its segments. Safe means safe on Linux, macOS and Windows alike.
 */
export function problemOfPath(path: string): string | undefined {
  if (PLAIN.test(path) && !NAMES_DEVICE.test(path)) return undefined;
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

/** What nearly all paths are: found harmless at once, as by all of the rules. */
const PLAIN = /^\.?[\w@+=,~-][\w@+=,~.-]*(?:\/\.?[\w@+=,~-][\w@+=,~.-]*)*$/;
/** What it finds is judged by the rules. */
const NAMES_DEVICE = /(?:^|\/)(?:con|prn|aux|nul|com\d|lpt\d)(?:[./]|$)/i;

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

brief(problemOfPath, foldPath, isAscii);
