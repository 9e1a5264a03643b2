import { afterAll, beforeAll, expect, test } from "bun:test";

import { rawZip } from "#fixtures/zip.ts";
import type { LogLine } from "#sites/model.ts";

import { type AppStage, appStage, until } from "../support/app-stage.ts";

/** Programs and deploys, as people use them: through the binary, curl and a server with real processes. */
let stage: AppStage;
beforeAll(async () => {
  stage = await appStage("app-deploys", {
    env: {
      LAND_FUNCTIONS_CONCURRENCY: "500",
      LAND_FUNCTIONS_WALL_SECONDS: "300",
      LAND_LOG_LEVEL: "warn",
    },
  });
}, 120_000);
afterAll(() => stage[Symbol.asyncDispose]());

const textOf = async (site: string, path = "/", init?: Parameters<AppStage["ask"]>[2]) => {
  const answer = await stage.ask(site, path, init);
  return `${answer.status} ${await answer.text()}`;
};
const settings = (site: Record<string, unknown>): string => JSON.stringify({ private: true, site });
/** A program that says its name, and counts its visits in both stores. */
const counting = (name: string): string => `
  export default {
    async fetch(request: Request, env: any) {
      await env.DB.exec("CREATE TABLE IF NOT EXISTS visits (name TEXT)");
      await env.DB.prepare("INSERT INTO visits VALUES (?)").bind("${name}").run();
      const { results } = await env.DB.prepare("SELECT name FROM visits ORDER BY rowid").all();
      const seen = ((await env.KV.get("seen")) ?? "") + "${name} ";
      await env.KV.put("seen", seen);
      return Response.json(["${name}", results.map((row: any) => row.name).join(" "), seen.trim()]);
    },
  };
`;

test("a draft runs at its own address, an old deploy answers 503, a rollback keeps what was stored", async () => {
  const one = await stage.deploy("versions", { "main.ts": counting("one"), "old.txt": "one" });
  expect(await textOf("versions")).toBe('200 ["one","one","one"]');
  const two = await stage.deploy("versions", { "main.ts": counting("two") }, "--draft");
  const own = (deploy: string): string => `${deploy}--versions`;
  expect(await textOf(own(two.deploy))).toBe('200 ["two","one two","one two"]');
  expect(await textOf("versions")).toBe('200 ["one","one two one","one two one"]');
  expect((await stage.ask(own(one.deploy), "/")).status).toBe(200);

  await stage.run(["release", two.deploy, "--site", "versions"]);
  expect(await textOf("versions")).toStartWith('200 ["two",');
  const old = await stage.ask(own(one.deploy), "/");
  expect([old.status, old.headers.get("x-land-code")]).toEqual([503, "deploy_not_live"]);
  expect(await textOf(own(one.deploy), "/old.txt")).toBe("200 one");
  await until("the old program ends", async () => {
    const running = await stage.processesOf("versions");
    return running.every(({ deploy }) => deploy !== one.deploy);
  });

  await stage.run(["rollback", "--site", "versions"]);
  const whole = "one two one one two one";
  expect(await textOf("versions")).toBe(`200 ["one","${whole}","${whole}"]`);
  const newer = await stage.ask(own(two.deploy), "/");
  expect([newer.status, newer.headers.get("x-land-code")]).toEqual([503, "deploy_not_live"]);
}, 120_000);

/** Answers when the store says so; one timer looks for all. */
const slow = (name: string): string => `
  let waiting = 0;
  const go = Promise.withResolvers();
  let timer;
  export default {
    async fetch(request, env) {
      const { pathname } = new URL(request.url);
      if (pathname === "/waiting") return new Response(String(waiting));
      if (pathname !== "/slow") return new Response("${name}");
      waiting += 1;
      timer ??= setInterval(async () => (await env.KV.get("go")) && go.resolve(clearInterval(timer)), 50);
      await go.promise;
      return new Response("slow ${name}");
    },
  };
`;

test("a deploy during 200 slow requests loses none: the old process finishes them, then ends", async () => {
  await stage.deploy("busy", { "main.js": slow("old") });
  const answers = Array.from({ length: 200 }, () => textOf("busy", "/slow"));
  await until(
    "all are being answered",
    async () => (await textOf("busy", "/waiting")) === "200 200",
  );
  const [before] = await stage.processesOf("busy");
  await stage.deploy("busy", { "main.js": slow("new") });
  expect(await textOf("busy")).toBe("200 new");
  expect(await stage.processesOf("busy")).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ pid: before?.pid, state: "draining", open: 200 }),
      expect.objectContaining({ state: "ready" }),
    ]),
  );
  await stage.run(["kv", "set", "go", "--site", "busy"], { input: "1" });
  expect(new Set(await Promise.all(answers))).toEqual(new Set(["200 slow old"]));
  await until("the old process ends", async () => {
    const running = await stage.processesOf("busy");
    return running.length === 1 && running[0]?.pid !== before?.pid;
  });
}, 120_000);

/** What the log says of a request, which is written within a second. */
async function logOf(site: string, requestId: string, level: LogLine["level"]): Promise<string> {
  const line = ["logs", site, "--request", requestId, "--level", level, "--json"];
  return until(`the log of ${requestId}`, async () => {
    const { items } = (await stage.run(line)).json<{ items: LogLine[] }>();
    return items.find(({ kind }) => kind === "program")?.message;
  });
}

test("of a broken program visitors see the id of their request, and its owner the line", async () => {
  await stage.deploy("broken", {
    "main.ts": `import { readAnswer } from "./src/answer.ts";\n\nexport default { fetch: (request: Request) => new Response(readAnswer(request.url)) };\n`,
    "src/answer.ts": `type Question = { secret: string };\n\nexport function readAnswer(url: string): string {\n  const question: Question = { secret: "s3cret" };\n  if (url.endsWith("/never")) return "";\n  throw new Error(\`cannot answer \${question.secret}\`);\n}\n`,
    "index.html": "<h1>File</h1>",
  });
  const answer = await stage.ask("broken", "/ask", { headers: { accept: "application/json" } });
  const id = answer.headers.get("x-request-id") ?? "";
  expect([answer.status, await answer.json()]).toEqual([
    500,
    { title: expect.any(String), status: 500, code: "exception", requestId: id },
  ]);
  expect(await logOf("broken", id, "error")).toMatch(
    /^Uncaught Error: cannot answer s3cret\n\s+at readAnswer \(src\/answer\.ts:6:\d+\)\n\s+at fetch \(main\.ts:3:\d+\)/,
  );
  const page = await stage.ask("broken", "/ask", { headers: { accept: "text/html" } });
  const html = await page.text();
  expect(html).toContain(page.headers.get("x-request-id") ?? "no id");
  expect(html).not.toMatch(/s3cret|answer\.ts|main\.ts/);
  expect(await textOf("broken")).toBe("200 <h1>File</h1>");

  // One that cannot even be loaded: files are there still.
  await stage.deploy("broken", {
    "main.ts": `const settings = JSON.parse("{");\nexport default { fetch: () => new Response(settings) };\n`,
    "index.html": "<h1>File</h1>",
  });
  const unloaded = await stage.ask("broken", "/ask");
  expect([unloaded.status, unloaded.headers.get("x-land-code")]).toEqual([500, "program_broken"]);
  expect(await textOf("broken")).toBe("200 <h1>File</h1>");
  await until("the log tells the line", async () => {
    const shown = (await stage.run(["logs", "broken", "--level", "error"])).stdout;
    return /The program cannot be loaded: SyntaxError: .*\n\s+at main\.ts:1:\d+/.test(shown);
  });
}, 120_000);

async function sendZip(site: string, files: Record<string, string>) {
  const path = stage.at(`${site}.zip`);
  const entries = Object.entries(files).map(([name, content]) => ({ name, content }));
  await Bun.write(path, rawZip(entries));
  const url = `${stage.server().url}/api/deploy`;
  const bearer = `Authorization: Bearer ${stage.token}`;
  if (Bun.which("curl") === null) {
    const body = new FormData();
    body.set("site_name", site);
    body.set("file", Bun.file(path), "site.zip");
    const headers = { authorization: `Bearer ${stage.token}` };
    return (await fetch(url, { method: "POST", headers, body })).json();
  }
  const form = ["-F", `site_name=${site}`, "-F", `file=@${path}`];
  const child = Bun.spawn(["curl", "--silent", "--show-error", ...form, "-H", bearer, url], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  return JSON.parse(await child.stdout.text());
}

test("a zip by curl: main.js and main.ts run as they are; one that needs bundling is left out with a warning", async () => {
  const script = `res.send("script " + db.add("n", 1));`;
  expect(await sendZip("zipped", { "main.js": script, "style.css": "p {}" })).toMatchObject({
    live: true,
  });
  expect(await textOf("zipped")).toBe("200 script 1");
  expect(await textOf("zipped", "/style.css")).toBe("200 p {}");
  const typed = `type Answer = { n: number };\nexport default { fetch: (): Response => Response.json({ n: 2 } satisfies Answer) };`;
  await sendZip("zipped", { "top/main.ts": typed, "top/index.html": "file" });
  expect(await textOf("zipped", "/anything")).toBe('200 {"n":2}');
  expect(await textOf("zipped")).toBe("200 file");
  for (const path of ["/main.ts", "/main.js", "/land.json"])
    expect([path, await textOf("zipped", path)]).toEqual([path, '200 {"n":2}']);
  expect((await stage.ask("zipped", "/.land/program.js")).status).toBe(404);
  const answer = await sendZip("zipped", {
    "main.ts": `import x from "left-pad";\nexport default { fetch: () => new Response(x) };`,
    "index.html": "no program",
  });
  expect(JSON.stringify(answer)).toContain("left-pad");
  expect(await textOf("zipped")).toBe("200 no program");
  expect((await stage.ask("zipped", "/anything")).status).toBe(404);
}, 120_000);

test("a deploy key changes files, and the program only where the owner lets keys do that", async () => {
  const files = { "main.ts": `res.send("by ada");`, "index.html": "one" };
  await stage.deploy("keyed", files);
  const made = await stage.run([
    "token",
    "create",
    "--name",
    "ci",
    "--scope",
    "deploy:keyed",
    "--json",
  ]);
  const { token } = made.json<{ token: string }>();
  const deployByKey = async (site: Record<string, string>, name: string) => {
    for (const [path, content] of Object.entries(site))
      await Bun.write(stage.at(name, path), content);
    const line = ["deploy", "--site", "keyed", "--json"];
    const done = await stage.tryRun(line, { cwd: stage.at(name), token });
    return done.exitCode === 0 ? "deployed" : done.json<{ code: string }>().code;
  };
  expect(await deployByKey({ ...files, "index.html": "two" }, "same")).toBe("deployed");
  expect([await textOf("keyed"), await textOf("keyed", "/ask")]).toEqual(["200 two", "200 by ada"]);
  const other = { ...files, "main.ts": `res.send("by key " + process.env.SECRET);` };
  expect(await deployByKey(other, "other")).toBe("program_key");
  expect(await textOf("keyed", "/ask")).toBe("200 by ada");
  await stage.api("PATCH", "/sites/keyed", { keyPrograms: true });
  expect(await deployByKey(other, "allowed")).toBe("deployed");
  expect(await textOf("keyed", "/ask")).toBe("200 by key undefined");
}, 120_000);

test("routes go before files, 200.html before the program, and other methods always to it", async () => {
  const program = `export default { fetch: async (request: Request) => new Response([request.method, new URL(request.url).pathname, await request.text()].join(" ")) };`;
  const files = {
    "main.ts": program,
    "public/index.html": "home",
    "public/api/list.json": "[]",
    "public/feed.xml": "<rss/>",
  };
  const site = { dir: "public", main: "main.ts", routes: ["/api/*", "/feed.xml"] };
  await stage.deploy("paths", { ...files, "land.json": settings(site) });
  expect(await textOf("paths")).toBe("200 home");
  expect(await textOf("paths", "/api/list.json")).toBe("200 GET /api/list.json ");
  expect(await textOf("paths", "/feed.xml")).toBe("200 GET /feed.xml ");
  expect(await textOf("paths", "/other?x=1")).toBe("200 GET /other ");
  expect(await textOf("paths", "/index.html", { method: "POST", body: "b" })).toBe(
    "200 POST /index.html b",
  );
  expect(await textOf("paths", "/", { method: "DELETE" })).toBe("200 DELETE / ");
  expect(await textOf("paths", "/", { method: "OPTIONS" })).toBe("200 OPTIONS / ");

  const app = { ...files, "public/200.html": "app", "land.json": settings(site) };
  await stage.deploy("paths", app);
  expect(await textOf("paths", "/other")).toBe("200 app");
  expect(await textOf("paths", "/other", { method: "POST", body: "b" })).toBe("200 POST /other b");
  expect(await textOf("paths", "/api/none")).toBe("200 GET /api/none ");
  expect(await textOf("paths", "/", { headers: { accept: "text/html" } })).toBe("200 home");
}, 120_000);
