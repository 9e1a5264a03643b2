import { expect, test } from "bun:test";

import { seal, unseal } from "#store/seal.ts";

const secret = crypto.getRandomValues(new Uint8Array(32));

test("a sealed text comes back with the same secret and purpose", () => {
  for (const text of ["", "key", "ключ 🔑".repeat(500)])
    expect(unseal(secret, "certificate", seal(secret, "certificate", text))).toBe(text);
});

test("the same text sealed twice looks different and holds nothing of it", () => {
  const [one, two] = [seal(secret, "a", "PRIVATE KEY"), seal(secret, "a", "PRIVATE KEY")];
  expect(Buffer.compare(one, two)).not.toBe(0);
  expect(Buffer.from(one).includes("PRIVATE")).toBe(false);
});

test("another secret, another purpose, a changed byte and a cut are refused", () => {
  const sealed = seal(secret, "a", "text");
  const refused = (what: () => string) => expect(what).toThrow('Cannot open what is sealed for "');
  refused(() => unseal(new Uint8Array(32), "a", sealed));
  refused(() => unseal(secret, "b", sealed));
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Uint8Array.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    refused(() => unseal(secret, "a", changed));
    refused(() => unseal(secret, "a", sealed.subarray(0, at)));
  }
});
