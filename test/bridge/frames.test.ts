import { expect, test } from "bun:test";

import * as fc from "fast-check";

import { createFrameReader, type OnFrame } from "#bridge/frame-reader.ts";
import { createFrameWriter } from "#bridge/frames.ts";
import { MAX_PAYLOAD_BYTES } from "#bridge/model.ts";

type Seen = { type: number; id: number; payload: Buffer };

function collect(seen: Seen[], goOn: () => boolean = () => true): OnFrame {
  return (type, id, buffer, start, end) => {
    seen.push({ type, id, payload: Buffer.from(buffer.subarray(start, end)) });
    return goOn();
  };
}

/** Writes frames, taking what each write takes; gives all bytes. */
function write(frames: Seen[], takes: () => number): Buffer {
  const written: Buffer[] = [];
  const writer = createFrameWriter({
    write(bytes) {
      const piece = Buffer.from(bytes.slice(0, takes()));
      written.push(piece);
      return piece.length;
    },
    schedule: () => undefined,
  });
  for (const { type, id, payload } of frames) {
    writer.bytes(type, id, payload);
    if (takes() % 3 === 0) writer.flush();
  }
  while (writer.backlogBytes() > 0) writer.flush();
  return Buffer.concat(written);
}

const frame = fc.record({
  type: fc.integer({ min: 0, max: 255 }),
  id: fc.nat({ max: 0xffff_ffff }),
  payload: fc
    .oneof(fc.nat({ max: 30 }), fc.nat({ max: 200_000 }))
    .map((size) => Buffer.alloc(size, size % 251)),
});

test("frames come out as they went in, however they are split", () => {
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 12 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 90_000 })),
      fc.infiniteStream(fc.boolean()),
      (frames, sizes, pauses) => {
        const size = (): number => sizes.next().value ?? 1;
        const bytes = write(frames, size);
        const seen: Seen[] = [];
        const reader = createFrameReader(collect(seen, () => pauses.next().value !== true));
        for (let at = 0; at < bytes.length;) {
          const end = at + size();
          expect(reader.push(bytes.subarray(at, end))).toBe(true);
          at = end;
        }
        while (reader.waits()) reader.push(Buffer.alloc(0));
        expect(seen).toEqual(frames);
      },
    ),
    { numRuns: 150 },
  );
});

test("single bytes are put together", () => {
  const frames = [1, 0, 8, 9, 10].map((size, id) => ({
    type: 4,
    id,
    payload: Buffer.alloc(size, 7),
  }));
  const bytes = write(frames, () => 1);
  const seen: Seen[] = [];
  const reader = createFrameReader(collect(seen));
  for (const byte of bytes) reader.push(Buffer.from([byte]));
  expect(seen).toEqual(frames);
});

test("whatever arrives, the reader does not throw and keeps at most one frame", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 30 }), (pieces) => {
      const reader = createFrameReader(() => true);
      for (const piece of pieces) if (!reader.push(piece)) return;
      expect(reader.waits()).toBe(false);
    }),
  );
});

test("a frame that says it is too long is refused before a byte of it came", () => {
  const head = Buffer.alloc(9);
  head.writeUInt32LE(MAX_PAYLOAD_BYTES + 1);
  expect(createFrameReader(() => true).push(head)).toBe(false);
  expect(createFrameReader(() => true).push(head.subarray(0, 3))).toBe(true);
});

test("pieces of one body join in one frame until they are written", () => {
  const seen: Seen[] = [];
  const reader = createFrameReader(collect(seen));
  const writer = createFrameWriter({
    write: (bytes) => {
      reader.push(bytes.slice());
      return bytes.length;
    },
    schedule: () => undefined,
  });
  for (const text of ["ab", "c"]) writer.data(4, 2, Buffer.from(text));
  writer.data(4, 4, Buffer.from("x"));
  writer.data(4, 2, Buffer.from("d"));
  writer.flush();
  writer.data(4, 2, Buffer.from("e"));
  writer.flush();
  expect(seen.map(({ id, payload }) => `${id}${payload.toString()}`)).toEqual([
    "2abc",
    "4x",
    "2d",
    "2e",
  ]);
});

test("so many heads are written at once, whole and in order, and the rest when the turn ends", () => {
  const written: number[][] = [];
  const read: number[] = [];
  const reader = createFrameReader((_type, id) => read.push(id) > 0);
  let flush = (): void => undefined;
  const writer = createFrameWriter({
    write(bytes) {
      const before = read.length;
      expect(reader.push(bytes)).toBeTrue();
      written.push(read.slice(before));
      return bytes.length;
    },
    schedule: (run) => (flush = run),
    headsAtOnce: 3,
  });
  for (let id = 1; id <= 7; id += 1)
    writer.head(1, id, 0, `head ${id}`, id === 3 ? Buffer.from("body") : undefined);
  expect(written).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  expect(writer.backlogBytes()).toBeGreaterThan(0);
  flush();
  expect(written).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
  expect(writer.backlogBytes()).toBe(0);
});
