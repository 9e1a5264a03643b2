/**
 * A slow line: passes TCP connections on, each byte half a round trip later, all connections together no faster than the line
 * is wide. A new connection costs one more round trip, as its handshake would.
 *
 *   bun bench/relay.ts --to 127.0.0.1:5263 [--rtt 50] [--mbits 200]
 *
 * Prints its own port on one line.
 */
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    to: { type: "string", default: "127.0.0.1:5263" },
    rtt: { type: "string", default: "50" },
    mbits: { type: "string", default: "200" },
  },
});
const [hostname = "127.0.0.1", port = "0"] = values.to.split(":");
const halfMs = Number(values.rtt) / 2;
const bytesPerMs = (Number(values.mbits) * 1_000_000) / 8 / 1000;

/** One direction of the line: when its last byte leaves it. */
type Lane = { freeAt: number };
const up: Lane = { freeAt: 0 };
const down: Lane = { freeAt: 0 };

type Side = {
  lane: Lane;
  peer: Bun.Socket<Side> | undefined;
  /** When each piece arrives at the other end; undefined: the end of the connection. */
  queue: { at: number; bytes: Uint8Array | undefined }[];
  timer: Timer | undefined;
  /** Nothing arrives before. */
  openAt: number;
};

const sideOf = (lane: Lane, openAt: number): Side => ({
  lane,
  peer: undefined,
  queue: [],
  timer: undefined,
  openAt,
});

function take(side: Side, bytes: Uint8Array | undefined): void {
  const now = performance.now();
  const { lane } = side;
  lane.freeAt = Math.max(now, lane.freeAt) + (bytes?.byteLength ?? 0) / bytesPerMs;
  side.queue.push({ at: Math.max(side.openAt, lane.freeAt + halfMs), bytes: bytes?.slice() });
  wait(side);
}

function wait(side: Side): void {
  const [first] = side.queue;
  if (!first || side.timer || !side.peer) return;
  side.timer = setTimeout(
    () => {
      side.timer = undefined;
      deliver(side);
    },
    Math.max(0, first.at - performance.now()),
  );
}

function deliver(side: Side): void {
  const { peer, queue } = side;
  if (!peer) return;
  for (let [first] = queue; first && first.at <= performance.now(); [first] = queue) {
    if (first.bytes === undefined) return void peer.end();
    const written = peer.write(first.bytes);
    if (written < first.bytes.byteLength) {
      first.bytes = first.bytes.subarray(Math.max(0, written));
      return;
    }
    queue.shift();
  }
  wait(side);
}

const listener = Bun.listen<Side>({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open(client) {
      client.data = sideOf(up, performance.now() + 3 * halfMs);
      const { data } = client;
      void Bun.connect<Side>({
        hostname,
        port: Number(port),
        data: sideOf(down, 0),
        socket: {
          open(server) {
            data.peer = server;
            server.data.peer = client;
            wait(data);
          },
          data: (server, bytes) => take(server.data, bytes),
          drain: () => deliver(data),
          close: (server) => take(server.data, undefined),
          error: (server) => take(server.data, undefined),
        },
      }).catch(() => client.end());
    },
    data: (client, bytes) => take(client.data, bytes),
    drain(client) {
      const back = client.data.peer?.data;
      if (back) deliver(back);
    },
    close: (client) => take(client.data, undefined),
    error: (client) => take(client.data, undefined),
  },
});
console.log(listener.port);
