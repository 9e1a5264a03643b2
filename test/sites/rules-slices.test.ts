import { describe, expect, spyOn, test } from "bun:test";

import { parseDigest } from "#base/names.ts";
import type { Sliced } from "#base/slices.ts";
import { sliceSiteRules } from "#sites/rules/resolve.ts";
import { readRuleFiles } from "#sites/serving/load-rules.ts";
import { testCtx } from "#test/support/ctx.ts";

/** How often others had their turn. */
function pausesOf<T>(work: Sliced<T>): { pauses: number; value: T } {
  for (let pauses = 0; ; pauses += 1) {
    const step = work.next();
    if (step.done === true) return { pauses, value: step.value };
  }
}

const lines = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => line(index)).join("\n");

describe("rules are read in slices", () => {
  test.each([
    ["redirects", { redirects: lines(45_000, (index) => `/some-${index} /other-${index}`) }, 400],
    ["headers", { headers: lines(45_000, (index) => `/some-${index}\n  X-A: ${index}`) }, 800],
    ["empty lines", { redirects: "\n".repeat(1_000_000) }, 5000],
    ["comments", { headers: "#\n".repeat(1_000_000) }, 5000],
    ["wrong lines", { redirects: "/a\n".repeat(1_000_000) }, 5000],
  ])("%s", (_, texts, least) => {
    expect(pausesOf(sliceSiteRules(texts)).pauses).toBeGreaterThan(least);
  });

  test("what they say they take grows with what they hold", () => {
    const weigh = (redirects: string) => pausesOf(sliceSiteRules({ redirects })).value.weightBytes;
    const [few, many] = [450, 45_000].map((count) =>
      weigh(lines(count, (index) => `/some-${index} /other-${index}`)),
    );
    expect(few).toBeGreaterThan(450 * 200);
    expect(many).toBeGreaterThan(45_000 * 200);
    expect(many).toBeLessThan(16 * 1024 * 1024);
    expect(weigh("/:a/:b/:c k=:v /x/:a/:b/:c 301 Country=de,at")).toBeGreaterThan(
      weigh("/a /b") * 2,
    );
  });

  test("a site's rules are bounded in number and in what they take", () => {
    const { value } = pausesOf(
      sliceSiteRules({ headers: lines(50_100, (index) => `/${index}\n  X: 1`) }),
    );
    expect(value.rules.headers.exact.size).toBe(50_000);
    const languages = Array.from({ length: 300 }, (_, at) => `l${at}`).join(",");
    const heavy = lines(2000, (index) => `/${index} /x 301 Language=${languages}`);
    const read = pausesOf(sliceSiteRules({ redirects: heavy })).value;
    expect(read.weightBytes).toBeLessThanOrEqual(24_000_000);
    expect(read.warnings[0]).toContain("the rules before it take all the room there is");
  });

  test("one path cannot have headers without end, nor one header", () => {
    const many = `/a\n${lines(5000, (index) => `  X-${index}: 1`)}`;
    const { value } = pausesOf(sliceSiteRules({ headers: many }));
    expect(value.rules.headers.exact.get("/a")?.[0]?.headers).toHaveLength(100);
    const long = `/a\n${lines(100, () => `  X: ${"v".repeat(1000)}`)}`;
    const [rule] =
      pausesOf(sliceSiteRules({ headers: long })).value.rules.headers.exact.get("/a") ?? [];
    expect(rule?.headers[0]?.value?.length).toBeLessThanOrEqual(8192 + 20);
  });
});

test("deploys that have the same rules share one reading of them", async () => {
  const ctx = await testCtx();
  try {
    const put = async (text: string) => {
      const [digest = parseDigest("")] = await ctx.blobs.putMany([Buffer.from(text)]);
      return { digest, sizeBytes: Buffer.byteLength(text) };
    };
    const redirects = await put(lines(20_000, (index) => `/some-${index} /other-${index}`));
    const headers = await put("/a\n  X: 1");
    const find = spyOn(ctx.blobs, "find");
    const [one, two] = await Promise.all([
      readRuleFiles(ctx, { redirects, headers }),
      readRuleFiles(ctx, { redirects, headers }),
    ]);
    expect(one).toBe(two);
    expect(await readRuleFiles(ctx, { redirects, headers })).toBe(one);
    expect(find).toHaveBeenCalledTimes(2);
    expect(await readRuleFiles(ctx, { redirects, headers: undefined })).not.toBe(one);
  } finally {
    await ctx.close();
  }
});

test("two sites of 45,000 rules do not put each other out of memory", async () => {
  const ctx = await testCtx();
  try {
    const texts = ["a", "b"].map((name) =>
      lines(45_000, (index) => `/base/${name}-${index} /base/other-${index}`),
    );
    const digests = await ctx.blobs.putMany(texts.map((text) => Buffer.from(text)));
    const files = digests.map((digest) => ({
      redirects: { digest, sizeBytes: 2_000_000 },
      headers: undefined,
    }));
    const find = spyOn(ctx.blobs, "find");
    for (let round = 0; round < 3; round += 1)
      for (const file of files) await readRuleFiles(ctx, file);
    expect(find).toHaveBeenCalledTimes(2);
  } finally {
    await ctx.close();
  }
});
