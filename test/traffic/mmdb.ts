/** What stands for a network in the database that `writeMmdb` makes. */
export type Network = { network: string; country: string };

/**
 * A MaxMind database that tells countries of IPv6 networks: an encoder of as much of the format as that needs.
 *
 * @see https://maxmind.github.io/MaxMind-DB/
 */
export function writeMmdb(networks: readonly Network[]): Buffer {
  type Node = [Node | number | undefined, Node | number | undefined];
  const root: Node = [undefined, undefined];
  const records: Buffer[] = [];
  const offsets: number[] = [];
  let size = 0;
  for (const [at, { network, country }] of networks.entries()) {
    const record = encode({ country: { iso_code: country } });
    offsets.push(size);
    records.push(record);
    size += record.length;
    const bits = bitsOf(network);
    let node = root;
    for (const bit of bits.slice(0, -1)) {
      const below = node[bit];
      const next: Node = Array.isArray(below) ? below : [undefined, undefined];
      node[bit] = next;
      node = next;
    }
    node[bits.at(-1) ?? 0] = at;
  }
  const nodes: Node[] = [];
  const visit = (node: Node): void => {
    nodes.push(node);
    for (const below of node) if (Array.isArray(below)) visit(below);
  };
  visit(root);
  const index = new Map(nodes.map((node, at) => [node, at]));
  const tree = Buffer.alloc(nodes.length * 6);
  for (const [at, node] of nodes.entries())
    for (const [side, below] of node.entries()) {
      const value = Array.isArray(below)
        ? (index.get(below) ?? 0)
        : below === undefined
          ? nodes.length
          : nodes.length + 16 + (offsets[below] ?? 0);
      tree.writeUIntBE(value, at * 6 + side * 3, 3);
    }
  const metadata = encode({
    node_count: nodes.length,
    record_size: 24,
    ip_version: 6,
    database_type: "Test-Country",
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 0,
  });
  const marker = Buffer.from("\u00ab\u00cd\u00efMaxMind.com", "latin1");
  return Buffer.concat([tree, Buffer.alloc(16), ...records, marker, metadata]);
}

/** `192.0.2.0/24` and `2001:db8::/32` as bits of a tree of IPv6, in which IPv4 is `::/96`. */
function bitsOf(network: string): (0 | 1)[] {
  const [address = "", length = "0"] = network.split("/");
  const [head = "", tail = ""] = address.split("::");
  const bits = address.includes(".")
    ? "0".repeat(96) + binary(address.split(".").map(Number), 8)
    : binary(groupsOf(head), 16) +
      "0".repeat(128 - 16 * (groupsOf(head).length + groupsOf(tail).length)) +
      binary(groupsOf(tail), 16);
  const count = Number(length) + (address.includes(".") ? 96 : 0);
  return Array.from(bits.slice(0, count), (bit) => (bit === "1" ? 1 : 0));
}

function groupsOf(text: string): number[] {
  return text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
}

function binary(numbers: readonly number[], width: number): string {
  return numbers.map((number) => number.toString(2).padStart(width, "0")).join("");
}

type Value = string | number | { [key: string]: Value };

function encode(value: Value): Buffer {
  if (typeof value === "number") {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return Buffer.concat([Buffer.of((6 << 5) | 4), bytes]);
  }
  if (typeof value === "string")
    return Buffer.concat([Buffer.of((2 << 5) | value.length), Buffer.from(value)]);
  const entries = Object.entries(value);
  return Buffer.concat([
    Buffer.of((7 << 5) | entries.length),
    ...entries.flatMap(([key, inner]) => [encode(key), encode(inner)]),
  ]);
}
