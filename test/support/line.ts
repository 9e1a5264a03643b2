import { connect, createServer, type Socket } from "node:net";

/** What is wrong with a line. */
export type LineTroubles = {
  /** How fast answers come, over all connections together. */
  bytesPerSecond?: number;
  /** After how many bytes of answers connection `n` (from 1) is cut; Infinity: not at all. */
  cutAfter?: (n: number) => number;
};

/** A line on the loopback to a server there, which is slow or breaks. */
export type Line = AsyncDisposable & {
  url: string;
  /** How many connections there were, and how many of them were cut. */
  seen: { connections: number; cuts: number };
};

const TICK_MS = 20;

/** Opens one. */
export async function openLine(target: string, troubles: LineTroubles): Promise<Line> {
  const { port } = new URL(target);
  const { bytesPerSecond = Number.POSITIVE_INFINITY, cutAfter } = troubles;
  const sockets = new Set<Socket>();
  const seen = { connections: 0, cuts: 0 };
  const pump = createPump(bytesPerSecond);
  const server = createServer((client) => {
    seen.connections += 1;
    let left = cutAfter?.(seen.connections) ?? Number.POSITIVE_INFINITY;
    const far = connect(Number(port), "127.0.0.1");
    for (const [one, other] of [
      [client, far],
      [far, client],
    ] as const) {
      sockets.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => sockets.delete(one));
    }
    client.on("data", (chunk) => void far.write(chunk));
    client.on("close", () => far.destroy());
    far.on("data", (chunk: Buffer) => {
      const piece = chunk.subarray(0, Math.min(left, chunk.length));
      left -= piece.length;
      pump.push(client, Buffer.from(piece));
      if (left > 0) return;
      seen.cuts += 1;
      far.destroy();
      pump.push(client, undefined);
    });
    far.on("close", () => pump.push(client, undefined));
  });
  await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
  const address = server.address();
  const own = typeof address === "object" && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${own}`,
    seen,
    async [Symbol.asyncDispose]() {
      pump.stop();
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

/** Lets so many bytes a second through. Undefined ends a connection after what stands before it. */
function createPump(bytesPerSecond: number) {
  const queue: { to: Socket; piece: Buffer | undefined }[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = (): void => {
    timer = undefined;
    let budget = Math.ceil((bytesPerSecond * TICK_MS) / 1000);
    for (let [first] = queue; first; [first] = queue) {
      const { to, piece } = first;
      if (piece && budget <= 0) break;
      const part = piece?.subarray(0, budget);
      if (part) to.write(part);
      else to.destroySoon();
      budget -= part?.length ?? 0;
      if (piece && part && part.length < piece.length) first.piece = piece.subarray(part.length);
      else queue.shift();
    }
    if (queue.length > 0) timer = setTimeout(flush, TICK_MS);
  };
  return {
    push(to: Socket, piece: Buffer | undefined) {
      queue.push({ to, piece });
      if (bytesPerSecond === Number.POSITIVE_INFINITY) flush();
      else timer ??= setTimeout(flush, TICK_MS);
    },
    stop: () => clearTimeout(timer),
  };
}
