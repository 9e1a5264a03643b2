import { parseAddress } from "./address.ts";

/** What an address is for. Only `public` ones are everybody's to ask. */
export type AddressKind =
  | "public"
  | "unspecified"
  | "loopback"
  | "private"
  | "linkLocal"
  | "metadata"
  | "multicast"
  | "documentation"
  | "reserved";

/** Words for a refusal: "it is …". */
export const KIND_WORDS: Readonly<Record<AddressKind, string>> = {
  public: "a public address",
  unspecified: "the address of no machine, which means this one",
  loopback: "an address of this machine",
  private: "an address of a private network",
  linkLocal: "an address of the local network",
  metadata: "the address where a cloud keeps its secrets",
  multicast: "an address of many machines",
  documentation: "an address for examples",
  reserved: "a reserved address",
};

/** Ranges by what they are for, the narrower before the wider. @see https://www.iana.org/assignments/iana-ipv4-special-registry */
const V4 = ranges([
  ["169.254.169.254/32", "metadata"],
  ["169.254.170.2/32", "metadata"],
  ["100.100.100.200/32", "metadata"],
  ["192.0.0.192/32", "metadata"],
  // Azure's stands among public ones.
  ["168.63.129.16/32", "metadata"],
  ["0.0.0.0/32", "unspecified"],
  ["0.0.0.0/8", "reserved"],
  ["10.0.0.0/8", "private"],
  ["100.64.0.0/10", "private"],
  ["127.0.0.0/8", "loopback"],
  ["169.254.0.0/16", "linkLocal"],
  ["172.16.0.0/12", "private"],
  ["192.0.0.0/24", "reserved"],
  ["192.0.2.0/24", "documentation"],
  ["192.88.99.0/24", "reserved"],
  ["192.168.0.0/16", "private"],
  ["198.18.0.0/15", "private"],
  ["198.51.100.0/24", "documentation"],
  ["203.0.113.0/24", "documentation"],
  ["224.0.0.0/4", "multicast"],
  ["240.0.0.0/4", "reserved"],
]);

/** The same for IPv6. What is not in 2000::/3 is public nowhere, but for what translates. @see https://www.iana.org/assignments/iana-ipv6-special-registry */
const V6 = ranges([
  ["fd00:ec2::254/128", "metadata"],
  ["fd20:ce::254/128", "metadata"],
  ["::/128", "unspecified"],
  ["::1/128", "loopback"],
  ["64:ff9b:1::/48", "private"],
  ["100::/64", "reserved"],
  ["2001::/23", "reserved"],
  ["2001:db8::/32", "documentation"],
  ["3fff::/20", "documentation"],
  ["fc00::/7", "private"],
  ["fe80::/10", "linkLocal"],
  ["fec0::/10", "private"],
  ["ff00::/8", "multicast"],
]);
const GLOBAL = range("2000::/3");

/** Ranges whose addresses lead to an IPv4 address, and at which byte that stands. */
const CARRIERS = [
  { range: range("::ffff:0:0/96"), at: 12 },
  { range: range("64:ff9b::/96"), at: 12 },
  { range: range("2002::/16"), at: 2 },
];

/** What an address of 4 or 16 bytes is for; one that leads to an IPv4 address is what that one is. */
export function classify(bytes: Uint8Array): AddressKind {
  if (bytes.length === 4) return V4.find(({ range: one }) => isIn(bytes, one))?.kind ?? "public";
  if (bytes.length !== 16) return "reserved";
  const carrier = CARRIERS.find(({ range: one }) => isIn(bytes, one));
  if (carrier) return classify(bytes.subarray(carrier.at, carrier.at + 4));
  const special = V6.find(({ range: one }) => isIn(bytes, one));
  return special?.kind ?? (isIn(bytes, GLOBAL) ? "public" : "reserved");
}

type Range = { bytes: Uint8Array; bits: number };

function range(text: string): Range {
  const [address = "", bits] = text.split("/");
  const bytes = parseAddress(address);
  if (!bytes) throw new Error(`${text} is no range`);
  return { bytes, bits: Number(bits) };
}

function ranges(rows: readonly (readonly [string, AddressKind])[]) {
  return rows.map(([text, kind]) => ({ range: range(text), kind }));
}

function isIn(address: Uint8Array, { bytes, bits }: Range): boolean {
  const whole = bits >> 3;
  for (let at = 0; at < whole; at += 1) if (address[at] !== bytes[at]) return false;
  const rest = bits & 7;
  if (rest === 0) return true;
  const mask = (0xff << (8 - rest)) & 0xff;
  return ((address[whole] ?? 0) & mask) === ((bytes[whole] ?? 0) & mask);
}
