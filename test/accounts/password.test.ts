import { expect, setDefaultTimeout, test } from "bun:test";

import { hashPassword, verifyPassword } from "#accounts/password.ts";
import { cpuMsOf } from "#test/support/cpu.ts";

/** Argon2 is meant to be slow, and the machine may be busy. */
setDefaultTimeout(60_000);

test("a password is the one of its hash, however its characters are composed", async () => {
  const hash = await hashPassword("caf\u00e9 and cream");
  expect(await verifyPassword("caf\u00e9 and cream", hash)).toBe(true);
  expect(await verifyPassword("cafe\u0301 and cream", hash)).toBe(true);
  expect(await verifyPassword("cafe and cream", hash)).toBe(false);
  for (const text of ["", "\0", "x".repeat(1025)])
    expect(await verifyPassword(text, hash)).toBe(false);
});

test("a name that does not exist costs as much as a wrong password, so that neither can be told", async () => {
  const hash = await hashPassword("correct horse battery");
  await verifyPassword("first", undefined);
  const known = await cpuMsOf(() => verifyPassword("wrong", hash));
  const unknown = await cpuMsOf(() => verifyPassword("wrong", undefined));
  const empty = await cpuMsOf(() => verifyPassword("", hash));
  expect(unknown).toBeGreaterThan(known / 3);
  expect(empty).toBeGreaterThan(known / 3);
});
