import { expect, test } from "bun:test";

import { startLedger } from "#runtime/egress/ledger.ts";
import { type PagesWorld, pagesWorld } from "#test/runtime/clock-and-egress-world.ts";
import { MINUTE } from "#test/runtime/crons-world.ts";

import { type Ran, run } from "./world.ts";

/** Runs a command as ada. */
function landOf({ url, ada }: PagesWorld): (...argv: string[]) => Promise<Ran> {
  const env = { LAND_REGISTRY: url, LAND_TOKEN: ada.token };
  return (...argv) => run([...argv, "--site", "blog"], { env, now: () => new Date() });
}

test("crons list, runs and run", async () => {
  await using world = await pagesWorld();
  const land = landOf(world);
  expect((await land("crons", "list")).stderr).toContain(
    "The live program of blog has no schedules",
  );
  await world.live(["0 13 * * *"]);
  expect((await land("crons", "list")).stdout).toBe(
    "0 13 * * *  UTC  next 2026-03-01 13:00  not run yet\n",
  );
  world.does(() => Promise.reject(new Error("no luck")));
  await world.pass(60 * MINUTE);
  await world.crons().settled();
  world.does(() => Promise.resolve());
  expect((await land("crons", "run", "0 13 * * *", "--json")).json()).toMatchObject({
    outcome: "running",
    cron: "0 13 * * *",
  });
  await world.crons().settled();
  expect((await land("crons", "runs")).stdout).toMatchInlineSnapshot(`
    "2026-03-01 13:00  0 13 * * *  done 2026-03-01 13:00               run-2
    2026-03-01 13:00  0 13 * * *  failed 2026-03-01 13:00    no luck  run-1
    "
  `);
  expect((await land("crons", "list", "--json")).json()).toMatchObject({
    items: [{ cron: "0 13 * * *", last: { outcome: "done" } }],
  });
  const page = await land("crons", "runs", "--limit", "1", "--json");
  expect(page.json()).toMatchObject({ items: [{ outcome: "done" }], next: expect.any(String) });
  expect((await land("crons", "run", "1 1 * * *", "--json")).json()).toMatchObject({
    code: "cron_not_found",
  });
});

test("egress list, allow, deny and reset", async () => {
  await using world = await pagesWorld();
  const land = landOf(world);
  const ledger = startLedger(world.ctx);
  const { siteId } = world;
  ledger.note({ siteId, host: "api.example.com", requests: 2 });
  ledger.note({ siteId, host: "api.example.com", bytesIn: 5000, bytesOut: 12 });
  ledger.note({
    siteId,
    host: "10.0.0.1",
    refused: "it is an address of a \u001b[2Jprivate network",
  });
  await ledger.stop();
  const shown = await land("egress", "list");
  expect(shown.stderr).toContain("Programs of blog may ask every public host");
  expect(shown.stdout).toMatchInlineSnapshot(`
    "api.example.com  2  12 B sent  5 kB got  2026-03-01 12:00
    10.0.0.1         0   0 B sent   0 B got  2026-03-01 12:00  1 refused: it is an address of a �[2Jprivate network
    "
  `);
  expect((await land("egress", "allow", "B.example", "*.a.example", "--json")).json()).toEqual({
    site: "blog",
    allow: ["*.a.example", "b.example"],
  });
  expect((await land("egress", "allow", "c.example:8443")).stderr).toContain(
    "Programs of blog may ask *.a.example, b.example, c.example:8443",
  );
  expect((await land("egress", "allow", "http://x", "--json")).json()).toMatchObject({
    code: "egress_invalid",
  });
  await land("egress", "deny", "b.example", "*.a.example");
  expect((await land("egress", "deny", "c.example:8443")).stderr).toContain("may ask nobody");
  expect((await land("egress", "reset", "--json")).json()).toEqual({ site: "blog", allow: null });
});
