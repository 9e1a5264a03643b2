import { connect, createServer, type Socket } from "node:net";

/** A wire to a server that tells when so many bytes went over it. Its own address stays while the server's changes. */
export type Wire = AsyncDisposable & {
  url: string;
  /** Bytes that clients sent so far, over all connections. */
  sentBytes: () => number;
  /** Leads new connections to another server. */
  lead: (serverUrl: string) => void;
  /** Resolves once clients have sent that many bytes from now on. `hold`: nothing goes on after them. */
  reach: (bytes: number, hold?: boolean) => Promise<void>;
  /** Breaks every connection, and lets new ones through again. */
  cut: () => void;
};

/** Opens one on loopback. */
export async function openWire(serverUrl: string): Promise<Wire> {
  let port = Number(new URL(serverUrl).port);
  let sent = 0;
  let due: { at: number; hold: boolean; tell: () => void } | undefined;
  let held = false;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const far = connect(port, "127.0.0.1");
    for (const [one, other] of [
      [client, far],
      [far, client],
    ] as const) {
      sockets.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    far.on("data", (chunk) => void client.write(chunk));
    client.on("data", (chunk: Buffer) => {
      if (held) return void client.pause();
      sent += chunk.length;
      const reached = due !== undefined && sent >= due.at;
      if (!reached || !due) return void far.write(chunk);
      const { at, hold, tell } = due;
      due = undefined;
      const before = chunk.length - (sent - at);
      held = hold;
      // The first part goes out before who waits is told: a kill then finds the server at it.
      far.write(hold ? chunk.subarray(0, before) : chunk, () => tell());
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", () => resolve()));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const cut = (): void => {
    held = false;
    due = undefined;
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${address.port}`,
    sentBytes: () => sent,
    lead: (next) => void (port = Number(new URL(next).port)),
    reach: (bytes, hold = false) =>
      new Promise((resolve) => {
        due = { at: sent + bytes, hold, tell: resolve };
      }),
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}

/** Lets the event loop turn some times: a moment that differs from run to run. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1)
    await new Promise((resolve) => void setImmediate(resolve));
}
