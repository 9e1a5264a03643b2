/**
 * `src/runtime/egress` asks other servers on behalf of programs, and keeps account of it.
 * The composition mounts it as the `request` of a binding. It must never connect to an address that it did not classify itself.
 */

/** The bytes of an IPv4 (4) or IPv6 (16) address as it is written in full or in short; undefined for anything else, zones among it. */
export function parseAddress(text: string): Uint8Array | undefined {
  return text.includes(":") ? parseV6(text) : parseV4(text);
}

function parseV4(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  // A leading zero is octal to some and decimal to others.
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part)))
    return undefined;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? Uint8Array.from(bytes) : undefined;
}

function parseV6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, at) => groupsOf(half, at === halves.length - 1));
  if (!head) return undefined;
  if (halves.length === 1) return head.length === 16 ? Uint8Array.from(head) : undefined;
  if (!tail) return undefined;
  const zeros = 16 - head.length - tail.length;
  // `::` stands for one group of zeros at least.
  if (zeros < 2) return undefined;
  return Uint8Array.from([...head, ...Array.from({ length: zeros }, () => 0), ...tail]);
}

/** The bytes of some groups; the last may be four numbers with dots. */
function groupsOf(text: string, mayEndInDots: boolean): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [at, group] of groups.entries()) {
    if (mayEndInDots && at === groups.length - 1 && group.includes(".")) {
      const inner = parseV4(group);
      if (!inner) return undefined;
      bytes.push(...inner);
      continue;
    }
    if (!/^[0-9a-f]{1,4}$/i.test(group)) return undefined;
    const value = Number.parseInt(group, 16);
    bytes.push(value >> 8, value & 0xff);
  }
  return bytes;
}

/** An address in one form alone, for comparison: an IPv4 address the same whether it is written inside IPv6 (`::ffff:`) or not. */
export function addressKey(bytes: Uint8Array): string {
  return Buffer.from(plainBytes(bytes)).toString("hex");
}

/** IPv4 out of `::ffff:0:0/96`, which a kernel connects to as IPv4; others as they are. */
function plainBytes(bytes: Uint8Array): Uint8Array {
  const isMapped =
    bytes.length === 16 &&
    bytes.subarray(0, 10).every((byte) => byte === 0) &&
    bytes[10] === 0xff &&
    bytes[11] === 0xff;
  return isMapped ? bytes.subarray(12) : bytes;
}
