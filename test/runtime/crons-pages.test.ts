import { expect, test } from "bun:test";

import { pagesWorld } from "./clock-and-egress-world.ts";
import { MINUTE } from "./crons-world.ts";

test("the page of schedules: what is due, what came of it, and a button for who may", async () => {
  await using world = await pagesWorld();
  const { ada, dev, vic, page, send } = world;
  expect((await page("/sites/blog/crons", vic)).text).toContain("No schedules");
  await world.live(["0 13 * * *"]);
  world.does(() => Promise.reject(new Error("<b>no luck</b>")));
  await world.pass(60 * MINUTE);
  await world.crons().settled();
  const { status, text } = await page("/sites/blog/crons", vic);
  expect(status).toBe(200);
  expect(text).toContain("<code>0 13 * * *</code>");
  expect(text).toContain("&lt;b&gt;no luck&lt;/b&gt;");
  expect(text).toContain("It is tried again");
  expect(text).toContain('href="/sites/blog/logs?request=run-1"');
  expect(text).not.toContain("Run now");
  expect((await page("/sites/blog/crons", dev)).text).toContain("Run now");
  const fields = { cron: "0 13 * * *", timeZone: "UTC" };
  expect(await send("/sites/blog/crons/run", dev, fields)).toBe(
    "/sites/blog/crons?done=cron-begun",
  );
  await world.crons().settled();
  expect(world.ran).toHaveLength(2);
  expect(await send("/sites/blog/crons/run", vic, fields)).toStartWith("403");
  expect(await send("/sites/blog/crons/run", ada, { ...fields, cron: "x" })).toMatch(
    /^404 [^]*Cannot find the schedule/,
  );
});

test("the page of egress: whom programs asked, and whom they may", async () => {
  await using world = await pagesWorld();
  const { ada, dev, vic, page, send } = world;
  const path = "/sites/blog/egress";
  expect((await page(path, vic)).status).toBe(403);
  expect((await page(path, dev)).text).toContain("Nobody was asked");
  expect((await page(path, dev)).text).not.toContain("Allow these alone");
  expect((await page(path, ada)).text).toContain("Allow these alone");
  const hosts = "api.example.com\r\n *.example.org:8443\r\n";
  expect(await send(path, ada, { hosts })).toBe(`${path}?done=egress-set`);
  expect((await page(path, dev)).text).toContain("<code>*.example.org:8443</code>");
  expect(await send(path, ada, { hosts: "<b>x" })).toMatch(/^422 [^]*&lt;b&gt;x/);
  expect(await send(path, dev, { hosts })).toStartWith("403");
  expect(await send(`${path}/reset`, ada, {})).toBe(`${path}?done=egress-set`);
  expect((await page(path, dev)).text).toContain("Every public host.");
});
