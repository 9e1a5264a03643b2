import { expect, test } from "bun:test";

import { createFrameWriter, type FrameWriter } from "#bridge/frames.ts";
import { createLink } from "#bridge/link.ts";
import { FRAME, type Link, type LinkHandlers, WINDOW_BYTES } from "#bridge/model.ts";
import { readTextMessage } from "#bridge/texts.ts";

/** A host, what writes to it as a guest would not, and whether each frame was what the host had asked for. */
function host(onCall: LinkHandlers["onCall"] = () => ({ value: null })) {
  const asked: boolean[] = [];
  let isOpen = true;
  const link: Link = createLink(
    "host",
    {
      write: (bytes) => bytes.length,
      schedule: setImmediate,
      yields(wasAsked) {
        asked.push(wasAsked);
        return false;
      },
    },
    {
      onCall,
      onControl: () => undefined,
      onRequest: () => new Promise(() => undefined),
      onNote: () => undefined,
      onClose: () => (isOpen = false),
    },
  );
  const guest = createFrameWriter({
    write(bytes) {
      link.receive(new Uint8Array(bytes));
      return bytes.length;
    },
    schedule: () => undefined,
  });
  return { link, guest, asked, isOpen: () => isOpen };
}

/** Makes a call in parts. */
function say(guest: FrameWriter, id: number, whole: Uint8Array): void {
  const start = Buffer.alloc(5, 1);
  start.writeUInt32LE(whole.length, 1);
  guest.bytes(FRAME.call, id, start);
  for (let at = 0; at < whole.length; at += WINDOW_BYTES)
    guest.bytes(FRAME.data, id, whole.subarray(at, at + WINDOW_BYTES));
  guest.bytes(FRAME.end, id, new Uint8Array(0));
  guest.flush();
}

test("JSON that is too much to read fails its call alone, and is not read", () => {
  const called: string[] = [];
  const { guest, isOpen } = host((name) => {
    called.push(name);
    return { value: null };
  });
  const keys = Array.from({ length: 60_000 }, (_, at) => `"${at}":0`).join(",");
  guest.text(FRAME.call, 1, `["keys",{${keys}}]`);
  guest.flush();
  say(guest, 3, Buffer.from(`["arrays",[${"[],".repeat(8_000_000)}0]]`));
  const changes = Array.from({ length: 1000 }, () => ({ key: "k".repeat(1500) }));
  say(guest, 5, Buffer.from(`["commit",${JSON.stringify(changes)}]`));
  expect(isOpen()).toBe(true);
  expect(called).toEqual(["commit"]);
});

test("frames that bring nothing are work of who sends them, although they belong to an answer", () => {
  const { link, guest, asked } = host();
  const head = { method: "GET", url: "http://x/", headers: [], requestId: "", address: "" };
  void link.request(head, new ReadableStream()).catch(() => undefined);
  guest.head(FRAME.response, 2, 2, "200\n");
  guest.bytes(FRAME.data, 2, new Uint8Array(0));
  guest.bytes(FRAME.data, 2, new Uint8Array(4000));
  guest.bytes(FRAME.data, 2, new Uint8Array(1));
  guest.numbers(FRAME.credit, 2, 0);
  guest.flush();
  expect(asked).toEqual([true, false, true, false, false]);
  link.close();
});

test("large calls and answers run one after another: what a host keeps for a guest is bounded", async () => {
  let running = 0;
  let most = 0;
  const { guest, link, isOpen } = host(async () => {
    running += 1;
    most = Math.max(most, running);
    await Bun.sleep(5);
    running -= 1;
    return { value: null };
  });
  const value = new Uint8Array(7_000_000);
  for (let at = 0; at < 3; at += 1)
    say(guest, at * 2 + 1, Buffer.concat([Buffer.from('["kv.put",null]\0'), value]));
  while (link.open().asked > 0) await Bun.sleep(5);
  expect(isOpen()).toBe(true);
  expect(most).toBe(2);
});

test("what ends the text of a message is looked for in its own frame alone", () => {
  const text = '["x",1]';
  const buffer = Buffer.alloc(64 * 1024 * 1024, 0x20);
  buffer.write(text);
  const startedMs = performance.now();
  for (let n = 0; n < 1000; n += 1) {
    const { value, bytes } = readTextMessage(buffer, 0, text.length);
    if (n === 0) expect([value, bytes.length]).toEqual([["x", 1], 0]);
  }
  // To look through all of it takes some milliseconds each time.
  expect(performance.now() - startedMs).toBeLessThan(2500);
  buffer[text.length] = 0;
  expect(readTextMessage(buffer, 0, text.length + 3).bytes).toEqual(Buffer.from("  "));
});
