import { expect, test } from "bun:test";

import * as fc from "fast-check";

import { HELLO_BYTES_MAX, readHello, watchHandshake } from "#tls/hello.ts";

import { clientHello, records } from "./https.ts";

const nameOf = (name: string) => readHello(records(clientHello(Buffer.from(name, "latin1"))));

test("a server name comes out in lower case and without its trailing dot", () => {
  for (const name of ["blog.example.com", "Blog.EXAMPLE.com", "blog.example.com."])
    expect(nameOf(name)).toEqual({ kind: "hello", serverName: "blog.example.com" });
});

test("no name, or an address instead of one, is no name", () => {
  for (const hello of [clientHello(undefined), clientHello(Buffer.from("127.0.0.1"))])
    expect(readHello(records(hello))).toEqual({ kind: "hello", serverName: undefined });
});

test("a name that no host can have is refused", () => {
  for (const name of [
    "a\0b.com",
    "a b.com",
    "a/b",
    "",
    "é.com",
    "a:443",
    "[::1]",
    "-a.com",
    "a..b",
    "x".repeat(64),
  ])
    expect(nameOf(name)).toEqual({ kind: "bad", alert: 112 });
});

test("a hello may be cut anywhere and spread over records of any size", () => {
  const message = clientHello(Buffer.from("a.test"), 1700);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2000 }),
      fc.double({ min: 0, max: 0.999 }),
      (size, cut) => {
        const bytes = records(message, size);
        expect(readHello(bytes)).toEqual({ kind: "hello", serverName: "a.test" });
        expect(readHello(bytes.subarray(0, Math.floor(bytes.length * cut)))).toEqual({
          kind: "more",
        });
      },
    ),
    { numRuns: 60 },
  );
});

test("whatever bytes come, nothing is thrown", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.nat(180),
      fc.uint8Array({ maxLength: 20 }),
      (noise, at, inside) => {
        readHello(Buffer.from(noise));
        const hello = records(clientHello(Buffer.from("a.test"), 100));
        hello.set(
          inside.subarray(0, hello.length - Math.min(at, hello.length)),
          Math.min(at, hello.length),
        );
        const read = readHello(hello);
        expect(["more", "hello", "bad", "http"]).toContain(read.kind);
      },
    ),
    { numRuns: 300 },
  );
});

test("a hello that is longer than any real one is refused before it is whole", () => {
  const bytes = records(clientHello(Buffer.from("a.test"), 60_000));
  expect(readHello(bytes.subarray(0, 300))).toEqual({ kind: "bad", alert: 50 });
  const drip = Buffer.alloc(HELLO_BYTES_MAX, Buffer.of(22, 3, 1, 0, 1, 1));
  expect(readHello(drip).kind).toBe("bad");
});

test("http and other protocols are told apart", () => {
  expect(readHello(Buffer.from("GET / HTTP/1.1\r\n\r\n"))).toEqual({ kind: "http" });
  expect(readHello(Buffer.from("SSH-2.0-x\r\n")).kind).not.toBe("hello");
  expect(readHello(Buffer.alloc(100, 0xff))).toEqual({ kind: "bad", alert: 50 });
});

test("the end of a handshake is seen by its records, however the bytes are cut", () => {
  const hello = records(clientHello(Buffer.from("a.test")));
  const flight = Buffer.concat([hello, Buffer.of(20, 3, 3, 0, 1, 1)]);
  for (const size of [1, 3, 7, 1000]) {
    const isDone = watchHandshake();
    const seen = [];
    for (let at = 0; at < flight.length; at += size)
      seen.push(isDone(flight.subarray(at, at + size)));
    expect(seen.at(-1)).toBe(true);
    expect(seen.slice(0, Math.floor(hello.length / size))).not.toContain(true);
  }
});
