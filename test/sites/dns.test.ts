import { expect, test } from "bun:test";

import * as fc from "fast-check";

import { holdsTxt, lookUpTxt } from "#sites/domains/dns.ts";
import { startDns } from "#test/support/dns.ts";

test("TXT answers: found, absent, and nobody knows", async () => {
  await using dns = await startDns();
  dns.txt.set("many.example", [["a", "b"], ["c"]]);
  dns.txt.set("none.example", []);
  dns.txt.set("down.example", "servfail");
  dns.txt.set("shut.example", "refused");
  const ask = (name: string) => lookUpTxt([dns.address], name);
  expect(await ask("many.example")).toEqual({ kind: "found", strings: ["a", "b", "c"] });
  expect(await ask("none.example")).toEqual({ kind: "absent" });
  expect(await ask("nxdomain.example")).toEqual({ kind: "absent" });
  expect(await ask("down.example")).toMatchObject({ kind: "unreachable" });
  expect(await ask("shut.example")).toMatchObject({ kind: "unreachable" });
  // What changed a moment ago is seen: no answer is kept.
  dns.txt.set("many.example", [["d"]]);
  expect(await ask("many.example")).toEqual({ kind: "found", strings: ["d"] });
});

test("a server that answers no more is not an answer", async () => {
  const dns = await startDns();
  await dns[Symbol.asyncDispose]();
  await using other = await startDns();
  other.txt.set("x.example", [["here"]]);
  expect(await lookUpTxt(["no address"], "x.example")).toEqual({
    kind: "unreachable",
    problem: "the setting dns.servers holds what is no address",
  });
  // The next server is asked.
  expect(await lookUpTxt([dns.address, other.address], "x.example")).toEqual({
    kind: "found",
    strings: ["here"],
  });
});

test("a value is found however its record is split, and never in a changed one", () => {
  const text = fc.string({ minLength: 1, maxLength: 60, unit: "grapheme-ascii" });
  fc.assert(
    fc.property(text, fc.array(fc.nat(60)), fc.array(text), (value, cuts, others) => {
      const at = [0, ...cuts.filter((cut) => cut < value.length), value.length].toSorted(
        (left, right) => left - right,
      );
      const parts = at.slice(1).map((end, index) => value.slice(at[index], end));
      expect(holdsTxt([...others, ...parts, ...others], value)).toBe(true);
      expect(holdsTxt(parts, `${value}x`)).toBe(false);
      expect(holdsTxt([`x${value}`, `${value}x`], value)).toBe(false);
    }),
  );
});
