import { readFile } from "node:fs/promises";

/** The table of TCP sockets of Linux, over IPv4. */
const TABLE = "/proc/net/tcp";
/** Other states belong to nobody any more, which the table shows as 0. */
const ESTABLISHED = "01";

/**
 * Whose process is at the other end of a connection between two ports of 127.0.0.1; undefined where the system does not tell. A
 * loopback port is open to everybody on the machine, and a secret in an address can be read off the arguments of the browser.
 */
export async function findPeer(port: number, ownPort: number): Promise<number | undefined> {
  const table = await readFile(TABLE, "utf8").catch(() => "");
  return parsePeer(table, port, ownPort);
}

/** The same from the text of the table. @see proc_net_tcp.txt of the Linux kernel: addresses in the byte order of the machine, ports as hex */
export function parsePeer(table: string, port: number, ownPort: number): number | undefined {
  for (const line of table.split("\n").slice(1)) {
    const [, local, remote, state, , , , uid] = line.trim().split(/\s+/);
    if (!local?.endsWith(`:${hex(port)}`) || !remote?.endsWith(`:${hex(ownPort)}`)) continue;
    if (state === ESTABLISHED && /^\d+$/.test(uid ?? "")) return Number(uid);
  }
  return undefined;
}

function hex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, "0");
}
