import { expect, test } from "bun:test";

import { LandError } from "#base/errors.ts";
import { bodyLimitOf, limitBody } from "#server/body.ts";
import { testCtx } from "#test/support/ctx.ts";

test("a list of files that is too long says that it may come in parts", async () => {
  const ctx = await testCtx();
  try {
    const path = "/api/v1/sites/blog/deploys";
    const limit = bodyLimitOf(ctx.config, { method: "POST", path, isVisitor: false });
    if (limit === "streamed") throw new Error("streamed");
    // No more than the reader of JSON takes, give or take what the operator allows everybody.
    expect(limit).toBe(Math.max(ctx.config["limits.bodyBytes"], 1_000_000));
    for (const [to, hint] of [
      [path, "Send the list of files in parts"],
      [`${path}/abcdefghij/files`, "Send the list of files in parts"],
      ["/api/v1/tokens", undefined],
    ] as const) {
      const body = "x".repeat(limit + 1);
      const request = new Request(`http://127.0.0.1${to}`, { method: "POST", body });
      const error: unknown = await limitBody(request, limit).catch((cause: unknown) => cause);
      if (!(error instanceof LandError)) throw new Error("taken");
      expect(error.code).toBe("payload_too_large");
      if (hint === undefined) expect(error.hint ?? "").toBe("");
      else expect(error.hint).toStartWith(hint);
    }
  } finally {
    await ctx.close();
  }
});
