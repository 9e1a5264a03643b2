/**
 * `test/sites/hostile-uploads` is zips and tars that no deploy may be made of, built on the spot.
 * The tests of archives call it. It must never hold one that is sound.
 */
import { gzipped, paxEntry, type RawEntry, rawEntry, rawTar } from "#fixtures/tar.ts";
import { descriptorOf, extraField, rawZip, type RawZipEntry } from "#fixtures/zip.ts";

/** One of them: `entry` is what the refusal must name. */
export type Hostile = { name: string; bytes: () => Uint8Array; code: string; entry?: string };

const GOOD = { name: "index.html", content: "good" };
const zip =
  (...entries: RawZipEntry[]) =>
  () =>
    rawZip([GOOD, ...entries]);
const tar =
  (...entries: (RawEntry | Buffer)[]) =>
  () =>
    gzipped(rawTar([GOOD, ...entries]));

/** Paths that are refused in both kinds, with what they are. */
const PATHS: readonly [name: string, path: string][] = [
  ["a path that climbs out", "../evil.txt"],
  ["a path that climbs out in its middle", "a/../../evil.txt"],
  ["a path that climbs within", "a/../b.txt"],
  ["an absolute path", "/etc/passwd"],
  ["a drive letter with backslashes", "C:\\evil.txt"],
  ["a backslash", "a\\b.txt"],
  ["a backslash that climbs", "..\\evil.txt"],
  ["a dot segment", "a/./b.txt"],
  ["an empty segment", "a//b.txt"],
  ["a line break", "a\nb.txt"],
  ["an escape character", "a\u001b[31m.txt"],
  ["a C1 control character", "a\u009b.txt"],
  ["the server's own folder", ".land/x"],
];

function ofPaths(): Hostile[] {
  return PATHS.flatMap(([name, path]) => [
    { name: `zip: ${name}`, bytes: zip({ name: path, content: "x" }), code: "archive_invalid" },
    { name: `tar: ${name}`, bytes: tar({ name: path, content: "x" }), code: "archive_invalid" },
  ]);
}

function ofTars(): Hostile[] {
  const types: [type: string, what: string][] = [
    ["1", "a hard link"],
    ["2", "a symbolic link"],
    ["3", "a character device"],
    ["4", "a block device"],
    ["6", "a named pipe"],
    ["7", "a contiguous file"],
    ["S", "a sparse file"],
  ];
  const whole = tar()();
  const damaged = Buffer.from(tar({ name: "b.txt", content: "content ".repeat(50) })());
  damaged[damaged.length - 6] = (damaged[damaged.length - 6] ?? 0) ^ 0xff;
  const invalid = "archive_invalid";
  return [
    ...types.map(([type, what]) => ({
      name: `tar: ${what}`,
      bytes: tar({ name: "evil", type, link: "/etc/passwd" }),
      code: invalid,
      entry: "evil",
    })),
    { name: "tar: the same name twice", bytes: tar({ ...GOOD }), code: "deploy_path_invalid" },
    {
      name: "tar: two names that are one after NFC",
      bytes: tar({ name: "\u00e9.txt" }, { name: "e\u0301.txt" }),
      code: "deploy_path_invalid",
    },
    {
      name: "tar: a file that is a folder too",
      bytes: tar({ name: "x", content: "1" }, { name: "x/y", content: "2" }),
      code: "deploy_path_invalid",
    },
    { name: "tar: a NUL in its name", bytes: tar({ name: "a\0b.txt" }), code: invalid },
    {
      name: "tar: a name that is not UTF-8",
      bytes: tar({ name: Buffer.from([0x61, 0xff]) }),
      code: invalid,
    },
    {
      name: "tar: a PAX path that climbs out",
      bytes: tar(paxEntry([["path", "../evil"]], { name: "fine.txt" })),
      code: invalid,
      entry: "../evil",
    },
    {
      name: "tar: a PAX size that differs",
      bytes: tar(paxEntry([["size", "1"]], { name: "fine.txt", content: "xyz" })),
      code: invalid,
      entry: "fine.txt",
    },
    {
      name: "tar: a wrong header checksum",
      bytes: tar({ name: "x", checksumOff: 1 }),
      code: invalid,
    },
    { name: "tar: cut in the gzip", bytes: () => whole.subarray(0, -12), code: invalid },
    { name: "tar: no end", bytes: () => gzipped(rawEntry(GOOD)), code: invalid },
    {
      name: "tar: something after the gzip",
      bytes: () => Buffer.concat([whole, whole]),
      code: invalid,
    },
    { name: "tar: a wrong gzip checksum", bytes: () => damaged, code: invalid },
    {
      name: "tar: something after its end",
      bytes: () => gzipped(Buffer.concat([rawTar([GOOD]), rawEntry({ name: "late" })])),
      code: invalid,
    },
    {
      name: "tar: a bomb",
      bytes: () => gzipped(rawTar([{ name: "zeros", content: Buffer.alloc(12_000_000) }])),
      code: "archive_too_large",
    },
  ];
}

function ofZips(): Hostile[] {
  const invalid = "archive_invalid";
  const entry = "evil";
  const evil = { name: entry, content: "content of the entry" };
  const one = (more: Partial<RawZipEntry>): (() => Buffer) => zip({ ...evil, ...more });
  return [
    { name: "zip: a symbolic link", bytes: one({ mode: 0o120_777 }), code: invalid, entry },
    { name: "zip: a device", bytes: one({ mode: 0o060_644 }), code: invalid, entry },
    { name: "zip: a socket", bytes: one({ mode: 0o140_644 }), code: invalid, entry },
    {
      name: "zip: a folder by mode that is a file by name",
      bytes: one({ mode: 0o040_755 }),
      code: invalid,
      entry,
    },
    {
      name: "zip: a file by mode that is a folder by name",
      bytes: zip({ name: "evil/", mode: 0o100_644 }),
      code: invalid,
      entry: "evil/",
    },
    {
      name: "zip: a folder with content",
      bytes: zip({ name: "evil/", content: "x" }),
      code: invalid,
      entry: "evil/",
    },
    { name: "zip: an encrypted entry", bytes: one({ flags: 1 }), code: invalid, entry },
    { name: "zip: a strongly encrypted entry", bytes: one({ flags: 0x41 }), code: invalid },
    { name: "zip: masked headers", bytes: one({ flags: 0x2000 }), code: invalid, entry },
    { name: "zip: another method", bytes: one({ method: 12 }), code: invalid, entry },
    {
      name: "zip: another name in its own header",
      bytes: one({ local: { name: "good" } }),
      code: invalid,
      entry,
    },
    {
      name: "zip: another size in its own header",
      bytes: one({ local: { size: 3 } }),
      code: invalid,
      entry,
    },
    {
      name: "zip: another packed size in its own header",
      bytes: one({ local: { packedSize: 3 } }),
      code: invalid,
      entry,
    },
    {
      name: "zip: another checksum in its own header",
      bytes: one({ local: { crc: 3 } }),
      code: invalid,
      entry,
    },
    {
      name: "zip: another method in its own header",
      bytes: one({ local: { method: 0 } }),
      code: invalid,
      entry,
    },
    {
      name: "zip: other flags in its own header",
      bytes: one({ local: { flags: 8 } }),
      code: invalid,
      entry,
    },
    { name: "zip: a wrong checksum on both sides", bytes: one({ crc: 7 }), code: invalid, entry },
    { name: "zip: larger than it says", bytes: one({ size: 3 }), code: invalid, entry },
    { name: "zip: smaller than it says", bytes: one({ size: 300 }), code: invalid, entry },
    { name: "zip: stored with two sizes", bytes: one({ method: 0, size: 3 }), code: invalid },
    {
      name: "zip: a data descriptor that lies",
      bytes: one({ flags: 8, descriptor: descriptorOf(evil.content, { crc: 1 }) }),
      code: invalid,
      entry,
    },
    {
      name: "zip: a data descriptor that is not there",
      bytes: one({ flags: 8 }),
      code: invalid,
      entry,
    },
    { name: "zip: the same name twice", bytes: zip(GOOD), code: invalid, entry: GOOD.name },
    {
      name: "zip: two names that are one after NFC",
      bytes: zip({ name: "\u00e9.txt" }, { name: "e\u0301.txt" }),
      code: "deploy_path_invalid",
    },
    {
      name: "zip: a file that is a folder too",
      bytes: zip({ name: "x" }, { name: "x/y" }),
      code: "deploy_path_invalid",
    },
    {
      name: "zip: two entries over the same bytes",
      bytes: one({ offset: 0, local: {}, name: "index.html2" }),
      code: invalid,
    },
    { name: "zip: entries that overlap", bytes: one({ offset: 12 }), code: invalid },
    { name: "zip: an entry beyond its end", bytes: one({ offset: 100_000 }), code: invalid },
    { name: "zip: a NUL in its name", bytes: zip({ name: "a\0b.txt" }), code: invalid },
    {
      name: "zip: a name that is not UTF-8",
      bytes: zip({ name: Buffer.from([0x61, 0xff]) }),
      code: invalid,
    },
    {
      name: "zip: another name in a Unicode path field",
      bytes: one({ extra: extraField(0x7075, Buffer.from("\x01\0\0\0\0other")) }),
      code: invalid,
      entry,
    },
    {
      name: "zip: a zip64 entry",
      bytes: one({ extra: extraField(1, Buffer.alloc(8)) }),
      code: invalid,
      entry,
    },
    {
      name: "zip: a malformed extra field",
      bytes: one({ extra: Buffer.from([1, 0, 99, 0]) }),
      code: invalid,
    },
    {
      name: "zip: fewer entries than its directory",
      bytes: () => rawZip([GOOD, evil], { count: 1 }),
      code: invalid,
    },
    {
      name: "zip: more entries than its directory",
      bytes: () => rawZip([GOOD, evil], { count: 3 }),
      code: invalid,
    },
    {
      name: "zip: something before its end",
      bytes: () => rawZip([GOOD], { gap: Buffer.alloc(20, 1) }),
      code: invalid,
    },
    {
      name: "zip: something after its end",
      bytes: () => rawZip([GOOD], { tail: Buffer.from("x") }),
      code: invalid,
    },
    {
      name: "zip: cut before its end",
      bytes: () => rawZip([GOOD, evil]).subarray(0, -30),
      code: invalid,
    },
    {
      name: "zip: a bomb",
      bytes: zip({ name: "zeros", content: Buffer.alloc(12_000_000) }),
      code: "archive_too_large",
    },
    {
      name: "zip: a bomb that says it is small",
      bytes: zip({ name: "zeros", content: Buffer.alloc(12_000_000), size: 100 }),
      code: invalid,
      entry: "zeros",
    },
    { name: "neither zip nor tar.gz", bytes: () => Buffer.from("<html>"), code: "invalid_input" },
    { name: "no bytes at all", bytes: () => Buffer.alloc(0), code: "invalid_input" },
  ];
}

/** All of them. */
export function hostileUploads(): Hostile[] {
  return [...ofPaths(), ...ofTars(), ...ofZips()];
}
