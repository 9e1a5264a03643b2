import { expect, test } from "bun:test";

import * as fc from "fast-check";

import { nextTime, parseCrons } from "#sites/rules/crons.ts";
import { codeOf } from "#test/support/people.ts";

test("schedules are kept in one form, each once, as their authors wrote them", () => {
  expect(
    parseCrons(
      [
        " 0  4 * *\tMon-fri ",
        "@daily",
        { cron: "0 4 * * *", timeZone: "europe/berlin" },
        { cron: "0 4 * * *" },
        "0 4 * * *",
      ],
      20,
    ),
  ).toEqual([
    { cron: "0 4 * * Mon-fri", timeZone: "UTC" },
    { cron: "@daily", timeZone: "UTC" },
    { cron: "0 4 * * *", timeZone: "Europe/Berlin" },
    { cron: "0 4 * * *", timeZone: "UTC" },
  ]);
  expect(parseCrons(undefined, 20)).toEqual([]);
});

test.each([
  "",
  "* * * *",
  "* * * * * *",
  "60 * * * *",
  "* 24 * * *",
  "* * 0 * *",
  "* * * 13 *",
  "* * * * 8",
  "*/0 * * * *",
  "5-1 * * * *",
  "a b c d e",
  "@reboot",
  "@every 5m",
  "0 0 30 2 *",
  "0 0 31 2,4,6 *",
  "0 0 L * *",
  "0 0 ? * *",
  "* * * * *\u0000",
  { cron: "0 4 * * *", timeZone: "Mars/Olympus" },
  { cron: "0 4 * * *", timeZone: "+02:00" },
  { cron: "0 4 * * *", timeZone: "" },
])("%j is no schedule", async (cron) => {
  expect(await codeOf(() => parseCrons([cron], 20))).toBe("cron_invalid");
});

test("a program has so many schedules and no more", async () => {
  const crons = Array.from({ length: 4 }, (_, minute) => `${minute} * * * *`);
  expect(parseCrons(crons, 4)).toHaveLength(4);
  expect(await codeOf(() => parseCrons(crons, 3))).toBe("cron_invalid");
});

test("no text makes the parser throw anything else, and what it takes comes at full minutes", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.stringMatching(/^[0-9*/,-]{1,4}( [0-9*/,-]{1,4}){4}$/)),
      fc.integer({ min: 0, max: 4e12 }),
      (text, fromMs) => {
        try {
          const [cron] = parseCrons([text], 20);
          if (!cron) throw new Error("none");
          const next = nextTime(cron, fromMs) ?? 0;
          expect(next).toBeGreaterThan(fromMs);
          expect(next % 60_000).toBe(0);
        } catch (error) {
          expect((error as { code?: string }).code).toBe("cron_invalid");
        }
      },
    ),
  );
});

/** The first times after a moment. */
function timesOf(cron: string, timeZone: string, from: string, count: number): string[] {
  const times: string[] = [];
  let at = Date.parse(from);
  for (let n = 0; n < count; n += 1) {
    at = nextTime({ cron, timeZone }, at) ?? Number.NaN;
    times.push(new Date(at).toISOString().replace(":00.000Z", "Z"));
  }
  return times;
}

test.each([
  [
    "summer time leaves the hour out: it comes an hour later by the clock, once",
    "30 2 * * *",
    "2026-03-28T12:00Z",
    ["2026-03-29T01:30Z", "2026-03-30T00:30Z"],
  ],
  [
    "the hour comes twice in autumn: the first is taken",
    "30 2 * * *",
    "2026-10-24T12:00Z",
    ["2026-10-25T00:30Z", "2026-10-26T01:30Z"],
  ],
  [
    "every hour is every hour, in spring",
    "0 * * * *",
    "2026-03-29T00:30Z",
    ["2026-03-29T01:00Z", "2026-03-29T02:00Z"],
  ],
  [
    "every hour is every hour, in autumn",
    "0 * * * *",
    "2026-10-24T23:30Z",
    ["2026-10-25T00:00Z", "2026-10-25T01:00Z", "2026-10-25T02:00Z"],
  ],
  [
    "by the clock of the zone, not of UTC",
    "0 4 * * *",
    "2026-07-01T00:00Z",
    ["2026-07-01T02:00Z", "2026-07-02T02:00Z"],
  ],
])("Europe/Berlin: %s", (_, cron, from, times) => {
  expect(timesOf(cron, "Europe/Berlin", from, times.length)).toEqual(times);
});
