import { expect, setDefaultTimeout, test } from "bun:test";

import { hashPassword, verifyPassword } from "#accounts/password.ts";
import { tryPassword } from "#sites/gate/gate-password.ts";
import { testCtx } from "#test/support/ctx.ts";

/** Argon2 is meant to be slow, and the machine may be busy. */
setDefaultTimeout(60_000);

test("a flood at one gate is sent away there, and neither sign-ins nor other gates are", async () => {
  const ctx = await testCtx();
  try {
    const passwordHash = await hashPassword("open sesame");
    const site = (id: number) => ({
      id,
      name: "blog" as never,
      protection: "password" as const,
      passwordHash,
      gateVersion: 1,
      maintenance: false,
    });
    const flood = Array.from({ length: 400 }, (_, index) =>
      tryPassword(ctx, site(1), { password: `wrong ${index}`, address: `203.0.${index % 200}.1` }),
    );
    const others = [
      tryPassword(ctx, site(2), { password: "open sesame", address: "198.51.100.1" }),
      verifyPassword("open sesame", passwordHash),
    ];
    expect(await Promise.all(others)).toEqual(["right", true]);
    const kinds = (await Promise.all(flood)).map((attempt) =>
      typeof attempt === "string" ? attempt : attempt.code,
    );
    expect(kinds.filter((kind) => kind === "wrong")).toHaveLength(17);
    expect(kinds.filter((kind) => kind === "rate_limited")).toHaveLength(383);
  } finally {
    await ctx.close();
  }
});
