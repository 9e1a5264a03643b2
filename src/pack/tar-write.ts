import { isAscii } from "./paths.ts";
import { BLOCK, checksum } from "./tar-header.ts";

/** A file to write: its path with `package/`. */
export type TarFile = { path: string; sizeBytes: number; executable: boolean };

/** Two blocks of zeros end a tar. */
export const END_BYTES = 2 * BLOCK;

/** How many bytes a file takes in the tar: headers, content, padding. */
export function tarBytes(file: TarFile): number {
  return tarHeader(file).length + padded(file.sizeBytes);
}

/** Rounds up to whole blocks. */
export function padded(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BLOCK) * BLOCK;
}

/**
 * The header of a file: ustar, with a PAX record before it where the path is not ASCII or does not fit. Time, owner
 * and group are 0, the mode is 644 or 755.
 */
export function tarHeader({ path, sizeBytes, executable }: TarFile): Uint8Array {
  const split = isAscii(path) ? splitPath(path) : undefined;
  const mode = executable ? 0o755 : 0o644;
  if (split) return block({ ...split, sizeBytes, mode, type: "0" });
  const record = paxRecord("path", path);
  const body = new Uint8Array(padded(record.length));
  body.set(record);
  // Readers that know PAX never see these two names; others see one that is not in use.
  const plain = { prefix: "", name: "package/pax-path-was-not-read" };
  return Buffer.concat([
    block({
      prefix: "",
      name: "package/pax-header",
      sizeBytes: record.length,
      mode: 0o644,
      type: "x",
    }),
    body,
    block({ ...plain, sizeBytes, mode, type: "0" }),
  ]);
}

/** Prefix (155) and name (100) around a `/`, or undefined where no `/` stands right. */
function splitPath(path: string): { prefix: string; name: string } | undefined {
  if (path.length <= 100) return { prefix: "", name: path };
  const cut = path.indexOf("/", path.length - 101);
  if (cut === -1 || cut > 155 || cut === path.length - 1) return undefined;
  return { prefix: path.slice(0, cut), name: path.slice(cut + 1) };
}

function block(fields: {
  prefix: string;
  name: string;
  sizeBytes: number;
  mode: number;
  type: string;
}): Uint8Array {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, width: number): number =>
    header.write(`${value.toString(8).padStart(width - 1, "0")}\0`, at, "latin1");
  header.write(fields.name, 0, "latin1");
  octal(fields.mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(fields.sizeBytes, 124, 12);
  octal(0, 136, 12);
  header.write(fields.type, 156, "latin1");
  header.write("ustar\u000000", 257, "latin1");
  header.write(fields.prefix, 345, "latin1");
  header.write(`${checksum(header).toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}

/** `"<length> <key>=<value>\n"`, where the length counts its own digits. */
function paxRecord(key: string, value: string): Uint8Array {
  const rest = Buffer.from(` ${key}=${value}\n`);
  let length = rest.length;
  while (`${length}`.length + rest.length !== length) length = `${length}`.length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}
