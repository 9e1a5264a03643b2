import { expect, test } from "bun:test";

import { parseDeployId } from "#base/names.ts";
import { createOutbox } from "#runtime/sockets/outbox.ts";
import type { Room, SocketSite } from "#runtime/sockets/socket.ts";

import { until } from "./sockets-world.ts";

test.each([
  ["compressed", 32 * 1024, 10],
  ["too large to be compressed", 72 * 1024, 40],
])(
  "messages to one socket that are %s give way to others after their share",
  async (_, length, most) => {
    let written = 0;
    const rooms = [{ sockets: new Map([["one", { isOver: false }]]) }] as unknown as Room[];
    const site = {} as SocketSite;
    const outbox = createOutbox({
      speakers: { reach: () => rooms, ask: () => Promise.resolve(rooms) },
      writer: { write: () => void (written += 1), weigh: () => 0 },
      tell: () => undefined,
    });
    const message = "x".repeat(length);
    for (let n = 0; n < 100; n += 1)
      outbox.add(site, parseDeployId("aaaaaaaaaa"), {
        kind: "send",
        id: "one",
        message,
        bytes: length,
      });
    await Promise.resolve();
    expect(written).toBeGreaterThan(0);
    expect(written).toBeLessThan(most);
    await until(() => written === 100);
  },
);
