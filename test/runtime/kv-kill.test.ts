import { expect, test } from "bun:test";

import { createKv } from "#runtime/kv/kv.ts";
import { testCtx } from "#test/support/ctx.ts";

test("what was answered is there after kill -9, several times over", async () => {
  const ctx = await testCtx();
  let told = 0;
  for (let round = 1; round <= 4; round += 1) {
    const writer = Bun.spawn(
      [
        process.execPath,
        `${import.meta.dir}/../support/kv-writes-until-killed.ts`,
        ctx.config.data,
      ],
      {
        stdout: "pipe",
        stderr: "inherit",
      },
    );
    let text = "";
    for await (const chunk of writer.stdout) {
      text += Buffer.from(chunk).toString();
      if (text.split("\n").length > 10 * round) break;
    }
    writer.kill("SIGKILL");
    await writer.exited;
    const before = told;
    told = Number(
      text
        .trimEnd()
        .split("\n")
        .findLast((line) => /^\d+$/.test(line)),
    );
    expect(told).toBeGreaterThan(before);
    const kv = createKv(ctx);
    const count = Number(Buffer.from((await kv.of(1).get("n"))?.value ?? []).toString());
    const large = await kv.of(1).get("large");
    expect(count).toBeGreaterThanOrEqual(told);
    expect(Number(large?.metadata)).toBeGreaterThanOrEqual(told);
    expect(new Set(large?.value)).toEqual(new Set([Number(large?.metadata) % 256]));
    expect(kv.of(1).usedBytes()).toBeLessThan(310_000);
    await kv.stop();
    told = count;
  }
  await ctx.close();
}, 30_000);
