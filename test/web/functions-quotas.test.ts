import { expect, test } from "bun:test";

import { Elysia } from "elysia";

import { problems } from "#http/problems.ts";
import { quotasOf } from "#runtime/status/quotas.ts";
import { readFunctions, type StatusParts } from "#runtime/status/status.ts";
import { putMember } from "#sites/site/members.ts";
import { makeSite } from "#test/sites/domain-world.ts";
import { testCtx } from "#test/support/ctx.ts";
import { makeToken, type Person, signUp } from "#test/support/people.ts";
import { pageOfError } from "#web/pages.tsx";
import { functionPages } from "#web/site-functions-pages.ts";
import { sitesForms } from "#web/sites-forms.ts";
import { sitesPages } from "#web/sites-pages.ts";

const MIB = 1024 * 1024;

async function pageWorld(measuredBytes: number | null = 4096) {
  const ctx = await testCtx({ config: { registration: "open" } });
  const [root, ada] = [await signUp(ctx, "root"), await signUp(ctx, "ada")];
  const siteId = await makeSite(ctx, ada.actor, "blog");
  let databaseBytes = measuredBytes;
  const parts: StatusParts = {
    problem: () => undefined,
    sandboxed: true,
    kv: Object.assign(Object.create(null), { usedBytes: () => 0 }),
    quotasOf: (id) => quotasOf(ctx, id),
    startProgram: () => Promise.resolve(),
    programProblem: () => Promise.resolve("Error: <b>no luck</b> at main.ts:3:5"),
    processesOf: () => [],
    databaseBytes: () => Promise.resolve(databaseBytes),
    removeDatabase: async () => void (databaseBytes = 0),
    socketCount: () => 0,
  };
  const app = new Elysia({ normalize: false })
    .use(problems({ ctx, page: (error, request) => pageOfError(ctx, error, request) }))
    .use(sitesPages(ctx))
    .use(sitesForms(ctx))
    .use(functionPages(ctx, parts));
  const ask = async (path: string, as: Person, fields?: Record<string, string>) => {
    const answer = await app.fetch(
      new Request(`http://127.0.0.1:5263/sites/blog/${path}`, {
        headers: { authorization: `Bearer ${as.token}`, accept: "text/html" },
        ...(fields && { method: "POST", body: new URLSearchParams(fields) }),
      }),
    );
    return answer.headers.get("location") ?? `${answer.status} ${await answer.text()}`;
  };
  const toldTo = async ({ actor }: Person) =>
    (await readFunctions(ctx, parts, actor, "blog")).programProblem;
  return { ctx, root, ada, ask, toldTo, quotas: () => quotasOf(ctx, siteId) };
}

test("admins of the server set quotas on the page of functions, others do not see the form", async () => {
  const { ctx, root, ada, ask, quotas } = await pageWorld();
  expect(await ask("functions", ada)).not.toContain("Quotas");
  expect(await ask("functions", ada)).toContain("Error: &lt;b&gt;no luck&lt;/b&gt; at main.ts:3:5");
  expect(await ask("functions", root)).toContain("Quotas");
  const fields = { memoryBytes: "128", kvBytes: "", diskBytes: "1" };
  expect(await ask("functions", root, fields)).toBe("/sites/blog/functions?done=site-saved");
  expect(await quotas()).toEqual({
    memoryBytes: 128 * MIB,
    kvBytes: ctx.config["functions.kvBytes"],
    diskBytes: MIB,
  });
  expect(await ask("functions", root)).toContain('value="128"');
  const wrong = await ask("functions", root, { ...fields, memoryBytes: "12", kvBytes: "77" });
  expect(wrong).toMatch(/^422 [^]*at least 64/);
  expect(wrong).toContain('value="77"');
  expect(await ask("functions", ada, fields)).toStartWith("403");
});

test("owners remove the database with the name of the site, developers do not", async () => {
  const { ctx, ada, ask } = await pageWorld();
  const dev = await signUp(ctx, "dev");
  await putMember(ctx, ada.actor, { site: "blog", user: "dev" }, "developer");
  expect(await ask("functions", dev)).not.toContain("Remove the database");
  expect(await ask("functions/database", dev, { confirm: "blog" })).toStartWith("403");
  expect(await ask("functions/database", ada, { confirm: "log" })).toMatch(
    /^422 [^]*type &quot;blog/,
  );
  expect(await ask("functions", ada)).toContain("Remove the database");
  expect(await ask("functions/database", ada, { confirm: "blog" })).toBe(
    "/sites/blog/functions?done=database-removed",
  );
  expect(await ask("functions", ada)).not.toContain("Remove the database");
});

test("a database that cannot be measured is told as such, and can be removed", async () => {
  const { ada, ask } = await pageWorld(null);
  const page = await ask("functions", ada);
  expect(page).toMatch(/^200 /);
  expect(page).toContain("folders that cannot be measured of");
  expect(page).toContain("Remove the database");
});

test("owners let deploy keys change the program, developers do not", async () => {
  const { ctx, root, ada, ask } = await pageWorld();
  await putMember(ctx, ada.actor, { site: "blog", user: "root" }, "developer");
  const dev = await signUp(ctx, "dev");
  await putMember(ctx, ada.actor, { site: "blog", user: "dev" }, "developer");
  const isOn = async () => /name="keyPrograms"[^>]* checked/.test(await ask("settings", root));
  expect(await isOn()).toBe(false);
  expect(await ask("settings/keys", ada, { keyPrograms: "true" })).toBe(
    "/sites/blog/settings?done=site-saved",
  );
  expect(await isOn()).toBe(true);
  expect(await ask("settings", dev)).not.toContain("keyPrograms");
  expect(await ask("settings/keys", dev, {})).toMatch(/^403 /);
  await ask("settings/keys", ada, {});
  expect(await isOn()).toBe(false);
});

test("why a program does not start is told to keys that may read the log, or change the program", async () => {
  const { ctx, ada, ask, toldTo } = await pageWorld();
  const [words, none] = ["Error: <b>no luck</b> at main.ts:3:5", "the log of the site says why"];
  const [log, key] = [
    await makeToken(ctx, ada, "site:blog"),
    await makeToken(ctx, ada, "deploy:blog"),
  ];
  const stats = await makeToken(ctx, ada, "stats:blog");
  const toldAll = () => Promise.all([ada, log, key, stats].map(toldTo));
  expect(await toldAll()).toEqual([words, words, none, none]);
  expect(await ask("settings/keys", ada, { keyPrograms: "true" })).toContain("done=");
  expect(await toldAll()).toEqual([words, words, words, none]);
});
