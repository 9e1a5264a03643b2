import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { describeBrowser } from "../support/browser.ts";
import { describeHugo, HARD_NAMES, runHugo, writeHugoSource } from "../support/hugo.ts";
import {
  land,
  type LandServer,
  startLand,
  type TemporaryFolder,
  temporaryFolder,
} from "../support/land.ts";
import { askSite, deployArgs, signUpByBinary } from "../support/site.ts";

/** A site of more than 2,000 files, made by a real generator, through the binary and a real browser. */
describeHugo("a site built by Hugo", () => {
  let folder: TemporaryFolder;
  let server: LandServer;
  let files: string[] = [];
  const env: Record<string, string> = {};
  const at = (...path: string[]): string => join(folder.path, ...path);
  const deploy = async (dir: string) => {
    const done = await land(deployArgs("walks", dir), { cwd: at("home"), home: at("home"), env });
    expect(done).toMatchObject({ exitCode: 0, stderr: "" });
    return done.json<{ deploy: string; files: number; uploaded: number; uploadedBytes: number }>();
  };

  beforeAll(async () => {
    folder = await temporaryFolder("hugo");
    await Bun.write(at("home/.keep"), "");
    await writeHugoSource(at("source"));
    runHugo(at("source"), at("public"));
    files = await listFiles(at("public"));
    server = await startLand({ data: at("data"), home: at("home") });
    env["LAND_REGISTRY"] = server.url;
    env["LAND_TOKEN"] = await signUpByBinary(server, at("home"));
  }, 60_000);
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  let first = "";
  test("all of it is deployed, and equal content is sent once", async () => {
    expect(files.length).toBeGreaterThan(2000);
    const done = await deploy(at("public"));
    first = done.deploy;
    const digests = await Promise.all(files.map((path) => digestOf(at("public", path))));
    expect(done).toMatchObject({ files: files.length, uploaded: new Set(digests).size });
  }, 60_000);

  test("every file comes back byte by byte, at its own path and at its clean address", async () => {
    const wrong: string[] = [];
    await eachOf(files, async (path) => {
      const content = Buffer.from(await Bun.file(at("public", path)).bytes());
      const exact = `/${path.split("/").map(encodeURIComponent).join("/")}`;
      const clean = exact.replace(/\/index\.html$/, "/").replace(/\.html$/, "");
      for (const address of new Set([exact, clean])) {
        const answer = await follow(server, address);
        if (answer.status !== 200 || !Buffer.from(await answer.bytes()).equals(content))
          wrong.push(`${address}: ${answer.status}`);
      }
      const direct = await askSite(server, "walks", clean);
      await direct.body?.cancel();
      if (direct.status !== 200) wrong.push(`${clean} is ${direct.status}, not 200`);
    });
    expect(wrong).toEqual([]);
    const lost = await askSite(server, "walks", "/posts/not/there/");
    expect([lost.status, await lost.text()]).toEqual([
      404,
      await Bun.file(at("public/404.html")).text(),
    ]);
  }, 60_000);

  describeBrowser("in the browser", (browser) => {
    test("every page is reached by links from the first one, without an error", async () => {
      const origin = `http://walks.localhost:${new URL(server.url).port}`;
      const context = await browser().newContext();
      const tab = await context.newPage();
      const wrong: string[] = [];
      const asked = new Set<string>();
      tab.on("pageerror", ({ message }) => wrong.push(message));
      tab.on("console", (message) => message.type() === "error" && wrong.push(message.text()));
      tab.on("response", (response) => {
        asked.add(response.url());
        if (response.status() >= 400) wrong.push(`${response.status()} ${response.url()}`);
      });
      const seen = new Set<string>(["/"]);
      const queue = ["/"];
      const links = () =>
        tab.$$eval("a[href]", (all) => all.map((one) => (one as unknown as { href: string }).href));
      const note = (found: readonly string[]): void => {
        for (const href of found) {
          const url = new URL(href);
          const path = url.origin === origin ? url.pathname : undefined;
          if (path === undefined || seen.has(path)) continue;
          seen.add(path);
          // Early and late links in turn: pages of every kind come among the first.
          if (seen.size % 2) queue.push(path);
          else queue.unshift(path);
        }
      };
      const left: string[] = [];
      for (let pages = 0; pages < 60;) {
        const path = queue.shift();
        if (path === undefined) break;
        if (!path.endsWith("/")) {
          left.push(path);
          continue;
        }
        await tab.goto(origin + path, { waitUntil: "load" });
        const ran = await tab.getAttribute("html", "data-ran");
        if (ran !== "yes") wrong.push(`${path}: the script did not run`);
        note(await links());
        pages += 1;
      }
      // The rest in the same browser, without drawing it.
      queue.push(...left);
      while (queue.length > 0)
        note(
          await tab.evaluate(
            async (paths) => {
              const found = new Set<string>();
              await Promise.all(
                paths.map(async (path) => {
                  const answer = await fetch(path);
                  const text = await answer.text();
                  if (!answer.ok || !path.endsWith("/")) return;
                  // @ts-ignore -- runs in the browser
                  const page = new DOMParser().parseFromString(text, "text/html");
                  for (const one of page.querySelectorAll("a[href]"))
                    found.add(new URL(one.getAttribute("href"), answer.url).href);
                }),
              );
              return [...found];
            },
            queue.splice(0, 200),
          ),
        );
      await context.close();
      expect(wrong).toEqual([]);
      const pages = files.filter(
        (path) => path.endsWith("/index.html") && !path.includes("/page/1/"),
      );
      expect([...pages].filter((path) => !seen.has(pathnameOf(path)))).toEqual([]);
      expect([...asked].filter((url) => url.endsWith(".svg")).length).toBeGreaterThan(10);
      expect(seen.size).toBeGreaterThan(pages.length);
      for (const name of HARD_NAMES)
        expect([...seen]).toContain(`/files/${encodeURIComponent(name)}`);
    }, 60_000);
  });

  test("one changed file is one blob, nothing changed is none, and a rollback brings the old bytes", async () => {
    const changed = "Every day but Sunday\n";
    await Bun.write(at("source/static/opening-hours.txt"), changed);
    runHugo(at("source"), at("again"));
    const second = await deploy(at("again"));
    expect(second).toMatchObject({
      files: files.length,
      uploaded: 1,
      uploadedBytes: changed.length,
    });
    expect(await (await askSite(server, "walks", "/opening-hours.txt")).text()).toBe(changed);
    expect(await deploy(at("again"))).toMatchObject({ uploaded: 0, uploadedBytes: 0 });
    const back = await land(["rollback", "--site", "walks", "--deploy", first, "--json"], {
      cwd: at("home"),
      home: at("home"),
      env,
    });
    expect(back).toMatchObject({ exitCode: 0 });
    expect(await (await askSite(server, "walks", "/opening-hours.txt")).text()).toBe(
      "Monday to Friday\n",
    );
  }, 60_000);

  async function follow(on: LandServer, path: string): Promise<Response> {
    let answer = await askSite(on, "walks", path);
    for (let hops = 0; answer.status >= 300 && answer.status < 400 && hops < 3; hops += 1) {
      await answer.body?.cancel();
      const to = new URL(answer.headers.get("location") ?? "", `${on.url}${path}`);
      answer = await askSite(on, "walks", to.pathname);
    }
    return answer;
  }
});

async function listFiles(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1));
}

async function digestOf(path: string): Promise<string> {
  return new Bun.CryptoHasher("sha256").update(await Bun.file(path).bytes()).digest("hex");
}

/** How a browser writes the address of an `index.html`. */
function pathnameOf(path: string): string {
  return new URL(`http://x/${encodeURI(path.replace(/index\.html$/, ""))}`).pathname;
}

/** Does something for each item, 16 at a time. */
async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.pop(); item !== undefined; item = queue.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}
