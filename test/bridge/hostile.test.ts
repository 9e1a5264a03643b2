import { expect, test } from "bun:test";

import * as fc from "fast-check";

import { createFrameWriter, type FrameWriter } from "#bridge/frames.ts";
import { createLink } from "#bridge/link.ts";
import {
  type BridgeError,
  FRAME,
  type Link,
  type LinkHandlers,
  type RequestHead,
  RING_SLOT_BYTES,
  RING_SLOTS,
} from "#bridge/model.ts";

type Host = {
  link: Link;
  sent: () => number;
  closed: () => BridgeError | undefined;
  isOpen: () => boolean;
  guest: FrameWriter;
};

const HEAD: RequestHead = {
  method: "GET",
  url: "http://x/",
  headers: [],
  requestId: "",
  address: "",
};

const MEMORY = new Uint8Array(RING_SLOTS * RING_SLOT_BYTES);

/** A host and what writes to it as a guest would not. */
function host(handlers: Partial<LinkHandlers> = {}, takes = true): Host {
  let sent = 0;
  let closed: BridgeError | undefined;
  let isOpen = true;
  const link = createLink(
    "host",
    {
      write(bytes) {
        if (takes) sent += bytes.length;
        return takes ? bytes.length : 0;
      },
      schedule: queueMicrotask,
    },
    {
      onControl: () => undefined,
      onRequest: () => new Promise(() => undefined),
      onCall: () => ({ value: null }),
      onNote: () => undefined,
      onClose(error) {
        isOpen = false;
        closed = error;
      },
      ...handlers,
    },
    { memory: MEMORY },
  );
  const guest = createFrameWriter({
    write(bytes) {
      link.receive(new Uint8Array(bytes));
      return bytes.length;
    },
    schedule: () => undefined,
  });
  return { link, sent: () => sent, closed: () => closed, isOpen: () => isOpen, guest };
}

function says(write: (guest: FrameWriter) => void, made = host()): string | undefined {
  write(made.guest);
  made.guest.flush();
  return made.isOpen() ? "open" : made.closed()?.code;
}

test("bytes of all kinds never throw, and close the link or not", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (pieces) => {
      const { link, isOpen, closed } = host();
      for (const piece of pieces) link.receive(piece);
      if (!isOpen()) expect(closed()?.code).toBe("protocol");
    }),
    { numRuns: 300 },
  );
});

test("frames of all types with any payload never throw", () => {
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.json().map((text) => new Uint8Array(Buffer.from(text))),
    fc.json().map((text) => new Uint8Array(Buffer.from(`["kv.get",${text}]`))),
  );
  const frame = fc.tuple(fc.integer({ min: 0, max: 15 }), fc.nat({ max: 12 }), payload);
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 20 }), (frames) => {
      const made = host();
      void made.link.request(HEAD, null).catch(() => undefined);
      void made.link.call("x", {}).catch(() => undefined);
      for (const [type, id, bytes] of frames) made.guest.bytes(type, id, bytes);
      made.guest.flush();
      if (!made.isOpen()) expect(made.closed()?.code).toBe("protocol");
      made.link.close();
    }),
    { numRuns: 500 },
  );
});

test("what breaks the protocol closes the link", () => {
  const empty = new Uint8Array(0);
  const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value));
  const request = (guest: FrameWriter, id: number): void =>
    guest.head(FRAME.request, id, 0, "GET\nhttp://x/\n\n");
  const cases: ((guest: FrameWriter) => void)[] = [
    (guest) => guest.bytes(99, 1, empty),
    (guest) => request(guest, 2),
    (guest) => request(guest, 0),
    (guest) => {
      request(guest, 1);
      request(guest, 1);
    },
    (guest) => guest.bytes(FRAME.data, 1, empty),
    (guest) => guest.bytes(FRAME.data, 2, empty),
    (guest) => guest.bytes(FRAME.end, 7, empty),
    (guest) => guest.bytes(FRAME.cancel, 4, empty),
    (guest) => guest.numbers(FRAME.credit, 2, 5),
    (guest) => guest.bytes(FRAME.result, 2, text("{}")),
    (guest) => guest.head(FRAME.response, 2, 0, "200\n"),
    (guest) => guest.bytes(FRAME.failure, 2, text("{}")),
    (guest) => guest.bytes(FRAME.call, 1, text("{")),
    (guest) => guest.bytes(FRAME.call, 1, text("[1,2]")),
    (guest) => guest.bytes(FRAME.note, 0, text('["x"]')),
    (guest) => guest.bytes(FRAME.control, 0, text("[]")),
    (guest) => guest.bytes(FRAME.control, 0, text('{"__proto__":{"kind":"hello"}}')),
    (guest) => guest.bytes(FRAME.request, 1, text("abc")),
    (guest) => guest.numbers(FRAME.release, 0, 0),
    (guest) => guest.numbers(FRAME.bulk, 0, RING_SLOTS, 1),
    (guest) => guest.numbers(FRAME.bulk, 0, 0, RING_SLOT_BYTES + 1),
    (guest) => guest.numbers(FRAME.bulk, 1, 0, 1),
  ];
  for (const write of cases)
    expect([says(write), String(write)]).toEqual(["protocol", String(write)]);
});

test("a slot that the host still has, bytes over the window and credit over it break the link", async () => {
  const made = host();
  const asked = made.link.request(HEAD, null);
  made.guest.head(FRAME.response, 2, 2, "200\n");
  made.guest.numbers(FRAME.bulk, 2, 3, 100);
  made.guest.flush();
  expect(made.isOpen()).toBe(true);
  expect(says((guest) => guest.numbers(FRAME.bulk, 2, 3, 100), made)).toBe("protocol");
  await asked;
  const second = host();
  void second.link.request(HEAD, null);
  second.guest.head(FRAME.response, 2, 2, "200\n");
  for (let count = 0; count < 17; count += 1)
    second.guest.bytes(FRAME.data, 2, new Uint8Array(65_536));
  expect(says(() => undefined, second)).toBe("protocol");
  const third = host();
  const body = new ReadableStream<Uint8Array>({ pull: () => undefined });
  third.link.request(HEAD, body).catch(() => undefined);
  expect(says((guest) => guest.numbers(FRAME.credit, 2, 5), third)).toBe("protocol");
});

test("late frames of what is over are dropped, and their slots come back", async () => {
  const made = host();
  const abort = new AbortController();
  const asked = made.link.request(HEAD, null, abort.signal);
  abort.abort();
  await asked.catch(() => undefined);
  for (let count = 0; count < 3; count += 1) {
    made.guest.numbers(FRAME.bulk, 2, 5, 10);
    made.guest.bytes(FRAME.data, 2, new Uint8Array(10));
  }
  made.guest.bytes(FRAME.end, 2, new Uint8Array(0));
  made.guest.numbers(FRAME.credit, 2, 4_000_000);
  expect(says(() => undefined, made)).toBe("open");
});

test("a bomb of headers fails its request alone", async () => {
  const made = host();
  const asked = made.link.request(HEAD, null);
  const many = Array.from({ length: 5000 }, (_, at) => `x${at}\nv`).join("\n");
  made.guest.head(FRAME.response, 2, 0, `200\n\n${many}`);
  made.guest.flush();
  expect(await asked.catch((error: unknown) => error)).toMatchObject({ code: "bad_head" });
  expect(made.isOpen()).toBe(true);
});

test("requests beyond the limit are refused, also those that were cancelled and never end", () => {
  let running = 0;
  const made = host({
    onRequest() {
      running += 1;
      return new Promise(() => undefined);
    },
  });
  for (let at = 0; at < 1000; at += 1) {
    made.guest.head(FRAME.request, at * 2 + 1, 0, "GET\nhttp://x/\n\n");
    made.guest.bytes(FRAME.cancel, at * 2 + 1, new Uint8Array(0));
  }
  made.guest.flush();
  expect(running).toBe(256);
  expect(made.link.open().asked).toBe(256);
  expect(made.isOpen()).toBe(true);
});

test("too many calls at once, or too many bytes of them, break the link", () => {
  const waits = (): Promise<never> => new Promise(() => undefined);
  const calls = host({ onCall: waits });
  for (let at = 0; at < 600; at += 1) calls.guest.text(FRAME.call, at * 2 + 1, '["kv.get",null]');
  expect(says(() => undefined, calls)).toBe("protocol");
  const bytes = host({ onCall: waits });
  for (let at = 0; at < 200; at += 1)
    bytes.guest.text(FRAME.call, at * 2 + 1, '["kv.put",null]', new Uint8Array(1_000_000));
  expect(says(() => undefined, bytes)).toBe("protocol");
});

test("what a guest does not read is not kept for it without end", () => {
  let answered = 0;
  const made = host(
    {
      onCall() {
        answered += 1;
        return { value: null, bytes: new Uint8Array(1_000_000) };
      },
    },
    false,
  );
  for (let at = 0; at < 400; at += 1) made.guest.text(FRAME.call, at * 2 + 1, '["kv.get",null]');
  made.guest.flush();
  expect(answered).toBeLessThan(12);
  expect(made.link.backlogBytes()).toBeLessThan(12_000_000);
});

test("a message that says it is huge takes no memory", () => {
  const made = host();
  const start = Buffer.alloc(5, 1);
  start.writeUInt32LE(0xffff_ffff, 1);
  made.guest.bytes(FRAME.call, 1, start);
  expect(says(() => undefined, made)).toBe("open");
  expect(made.link.open().asked).toBe(0);
});

test("small pieces that nobody reads are put together", async () => {
  const made = host();
  const asked = made.link.request(HEAD, null);
  made.guest.head(FRAME.response, 2, 2, "200\n");
  made.guest.flush();
  const { body } = await asked;
  for (let at = 0; at < 20_000; at += 1)
    made.guest.bytes(FRAME.data, 2, new Uint8Array([at % 256]));
  made.guest.bytes(FRAME.end, 2, new Uint8Array(0));
  made.guest.flush();
  const chunks: Uint8Array[] = [];
  if (body instanceof ReadableStream) for await (const chunk of body) chunks.push(chunk);
  expect(chunks.length).toBeLessThan(4);
  const whole = Buffer.concat(chunks);
  expect(whole.every((byte, at) => byte === at % 256)).toBe(true);
  expect(whole.length).toBe(20_000);
});
