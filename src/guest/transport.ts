import type { LinkTransport } from "#bridge/link.ts";
import { DESCRIPTORS } from "#bridge/model.ts";

/** What comes over the descriptor of the link. */
export type TransportEvents = {
  onBytes: (bytes: Uint8Array) => void;
  onDrain: () => void;
  onClose: () => void;
  /** What waited to be written was written, as far as it goes. */
  onFlushed?: () => void;
};

/** Adopts the link's descriptor. Rejects where there is none. */
export async function openTransport(events: TransportEvents): Promise<LinkTransport> {
  const options: Omit<Bun.FdSocketOptions, "data"> = {
    fd: DESCRIPTORS.link,
    socket: {
      data: (_socket, bytes) => events.onBytes(bytes),
      drain: events.onDrain,
      close: events.onClose,
      error: events.onClose,
    },
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its types leave out that it takes a descriptor
  const socket = await Bun.connect(options as unknown as Bun.UnixSocketOptions);
  const later = setImmediate;
  return {
    write: (bytes) => Math.max(0, socket.write(bytes)),
    schedule: (flush) =>
      void later(() => {
        flush();
        events.onFlushed?.();
      }),
  };
}
