import { expect, test } from "bun:test";

import { updateSite } from "#sites/site/settings.ts";

import { type Served, serveSites } from "./served.ts";

const PLAIN = {
  "index.html": "<h1>hello</h1>",
  "a.html": `<p>a</p>${"x".repeat(600)}`,
  "folder/index.html": "<p>folder</p>",
  "img/logo.png": "png",
  "assets/index-D4kq9xZ2.js": `// ${"y".repeat(600)}`,
  "b.html": "b",
  "b/index.html": "other b",
};

/** What `sites.answer` says, which no memory of answers stands before. */
async function slowly(served: Served, path: string, headers: Record<string, string>) {
  const host = `plain.localhost:${served.port}`;
  const request = new Request(`http://${host}${path}`, { headers: { ...headers, host } });
  const destination = { kind: "other", host: `plain.localhost` } as const;
  const site = { ...destination, kind: "site", site: "plain", deploy: undefined } as const;
  const peer = { address: () => "127.0.0.1", secure: false };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the name of a site that is there
  const answer = await served.sites.answer(request, site as never, peer);
  if (!(answer instanceof Response)) throw new Error("no answer");
  return answer;
}

const told = (of: Response) => [...of.headers].filter(([name]) => name !== "date");

test("a plain file is answered at once the first time it is asked for, in the same words", async () => {
  await using served = await serveSites();
  await served.site("plain");
  await served.deploy("plain", PLAIN);
  served.ctx.pass(5000);
  await served.sites.settled();
  await served.get("plain", "/nothing", { "accept-encoding": "gzip, br" });
  for (const path of ["/", "/a", "/folder/", "/img/logo.png", "/assets/index-D4kq9xZ2.js"])
    for (const encoding of ["identity", "gzip, br"]) {
      const headers = { "accept-encoding": encoding };
      const expected = await slowly(served, path, headers);
      const before = served.quickAnswers();
      const answer = await served.get("plain", path, headers);
      expect(served.quickAnswers()).toBe(before + 1);
      expect(told(answer)).toEqual(told(expected));
      expect(await answer.bytes()).toEqual(await expected.bytes());
    }
});

test("what is not plain is not answered at once", async () => {
  await using served = await serveSites();
  await served.site("plain");
  await served.deploy("plain", PLAIN);
  served.ctx.pass(5000);
  await served.get("plain", "/");
  const before = served.quickAnswers();
  for (const path of [
    "/a.html",
    "/index",
    "/a?b",
    "/folder//",
    "/./x",
    "/.land/x",
    "/%61",
    "/nothing",
  ])
    await served.get("plain", path);
  await served.get("plain", "/folder/", { range: "bytes=0-1" });
  await served.get("PLAIN.localhost", "/folder/");
  await served.get("plain", "/folder/", {}, "HEAD");
  expect(served.quickAnswers()).toBe(before);
  await updateSite(served.ctx, served.owner.actor, "plain", { maintenance: true });
  expect((await served.get("plain", "/a")).status).toBe(503);
  expect(served.quickAnswers()).toBe(before);
});
