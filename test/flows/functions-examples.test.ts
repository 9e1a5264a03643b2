import { expect, test } from "bun:test";
import { cp } from "node:fs/promises";
import { join } from "node:path";

import type { BrowserContextOptions, Page } from "playwright-core";

import { type AppStage, appStage, until } from "../support/app-stage.ts";
import { describeBrowser } from "../support/browser.ts";
import { BROWSER } from "../support/site.ts";

/** The examples as their README tells it: `land deploy` in their folder, then a browser. */
describeBrowser("examples with programs", (browser) => {
  /** Opens the page of a site in a browser that knows nothing yet. `wrong`: what its scripts complained of. */
  async function openTab(stage: AppStage, site: string, options: BrowserContextOptions = {}) {
    const port = new URL(stage.server().url).port;
    const context = await browser().newContext({
      baseURL: `http://${site}.localhost:${port}`,
      userAgent: BROWSER,
      ...options,
    });
    context.setDefaultTimeout(30_000);
    const tab = await context.newPage();
    const wrong: string[] = [];
    tab.on("pageerror", (error) => void wrong.push(error.message));
    tab.on("console", (line) => void (line.type() === "error" && wrong.push(line.text())));
    await tab.goto("/");
    return { tab, wrong, [Symbol.asyncDispose]: () => context.close() };
  }

  test("counter-app counts, with and without scripts, in every open page, over reloads and a new server", async () => {
    await using stage = await appStage("counter-app");
    await deployExample(stage, "counter-app");
    {
      await using one = await openTab(stage, "counter");
      await using two = await openTab(stage, "counter");
      await using plain = await openTab(stage, "counter", { javaScriptEnabled: false });
      const button = "button:text-is('Count')";
      await shows(one.tab, "#count", "0");
      await one.tab.click(button);
      await shows(one.tab, "#count", "1");
      await shows(two.tab, "#count", "1");
      await two.tab.click(button);
      await shows(one.tab, "#count", "2");
      await one.tab.reload();
      await shows(one.tab, "#count", "2");
      await plain.tab.click(button);
      await plain.tab.waitForURL("**/");
      await shows(plain.tab, "#count", "3");
      await shows(one.tab, "#count", "3");
      await one.tab.click(button);
      await shows(two.tab, "#count", "4");
      expect([one.wrong, two.wrong]).toEqual([[], []]);
    }
    expect(await stage.restart("SIGTERM")).toBe(0);
    await using later = await openTab(stage, "counter");
    await shows(later.tab, "#count", "4");
  }, 180_000);

  test("chat-app: two people talk; their sockets outlive the process of the program and a deploy", async () => {
    await using stage = await appStage("chat-app");
    const dir = await deployExample(stage, "chat-app");
    await using ada = await openTab(stage, "chat");
    await using grace = await openTab(stage, "chat");
    const say = async ({ tab }: { tab: Page }, name: string, text: string): Promise<void> => {
      await tab.fill("[name=name]", name);
      await tab.fill("[name=text]", text);
      await tab.click("button:text-is('Send')");
    };
    const hears = async ({ tab }: { tab: Page }, name: string, text: string): Promise<void> => {
      const line = tab.locator("#messages li", { hasText: text });
      await line.waitFor();
      expect(await line.locator("b").textContent()).toBe(name);
    };
    /** Nobody was told anew what was said: each line stands once, so no socket was opened again. */
    const counts = (): Promise<number[]> =>
      Promise.all([ada, grace].map(({ tab }) => tab.locator("#messages li").count()));
    for (const { tab } of [ada, grace]) {
      await shows(tab, "#state", "2 people are here");
      await watchSockets(tab);
    }
    await say(ada, "Ada", "<b>hello</b> Grace");
    await hears(grace, "Ada", "<b>hello</b> Grace");
    await say(grace, "Grace", "hello Ada");
    await hears(ada, "Grace", "hello Ada");
    expect(await counts()).toEqual([2, 2]);

    const [first] = await stage.processesOf("chat");
    process.kill(first?.pid ?? 0, "SIGKILL");
    await until("the process is gone", async () => {
      const now = await stage.processesOf("chat");
      return now.every(({ pid }) => pid !== first?.pid);
    });
    await say(ada, "Ada", "still here?");
    await hears(grace, "Ada", "still here?");
    await hears(ada, "Ada", "still here?");

    const source = await Bun.file(join(dir, "main.ts")).text();
    await Bun.write(
      join(dir, "main.ts"),
      source.replace("const message: Message = {", "said.text += ' (2)';\n$&"),
    );
    await stage.run(["deploy"], { cwd: dir });
    await say(grace, "Grace", "a new program");
    await hears(ada, "Grace", "a new program (2)");
    expect(await counts()).toEqual([4, 4]);
    for (const { tab, wrong } of [ada, grace]) {
      expect(await tab.evaluate("globalThis.opened")).toBe(0);
      expect(wrong).toEqual([]);
    }
    // Who comes later reads what was said.
    await using later = await openTab(stage, "chat");
    await hears(later, "Ada", "still here?");
    await shows(ada.tab, "#state", "3 people are here");
  }, 180_000);

  test("todo-app: tasks by forms with and without scripts, a secret, a schedule, and a new server", async () => {
    await using stage = await appStage("todo-app");
    await deployExample(stage, "todo-app");
    const tasks = (tab: Page): Promise<string[]> => tab.locator("li span").allTextContents();
    {
      await using plain = await openTab(stage, "todo", { javaScriptEnabled: false });
      await editTasks(plain.tab);
      expect(await tasks(plain.tab)).toEqual(["bread & butter", "milk"]);
    }
    await using quick = await openTab(stage, "todo");
    await quick.tab.evaluate("globalThis.isSamePage = true");
    for (const name of ["bread & butter", "milk"]) {
      await quick.tab.click(`button[aria-label$=": ${name}"]:text-is("Remove")`);
      await quick.tab.locator("li", { hasText: name }).waitFor({ state: "detached" });
    }
    await editTasks(quick.tab);
    expect(await tasks(quick.tab)).toEqual(["bread & butter", "milk"]);
    // Nothing was loaded anew.
    expect(await quick.tab.evaluate("globalThis.isSamePage")).toBe(true);
    expect(quick.wrong).toEqual([]);

    // Nobody may remove everything until there is a secret; it counts at once, without a deploy.
    const dropAll = "form[action='/drop-all']";
    expect(await quick.tab.locator(dropAll).count()).toBe(0);
    await stage.run(["env", "set", "PASSWORD", "--site", "todo"], { input: "open sesame\n" });
    expect((await stage.run(["env", "list", "--site", "todo"])).stdout).not.toContain("sesame");

    await stage.run(["crons", "run", "0 4 * * *", "--site", "todo"]);
    type Runs = { items: { outcome: string }[] };
    await until("the schedule has run", async () => {
      const done = await stage.run(["crons", "runs", "--site", "todo", "--json"]);
      return done.json<Runs>().items[0]?.outcome === "done";
    });
    expect(await stage.restart("SIGTERM")).toBe(0);

    await using later = await openTab(stage, "todo");
    expect(await tasks(later.tab)).toEqual(["bread & butter", "milk"]);
    await shows(later.tab, "[role=status]", /0 were tidied away on \d{4}-\d{2}-\d{2}/);
    await later.tab.fill(`${dropAll} [name=password]`, "guess");
    await later.tab.click(`${dropAll} button`);
    await shows(later.tab, "[role=alert]", "That is not the password");
    await later.tab.fill(`${dropAll} [name=password]`, "open sesame");
    await later.tab.click(`${dropAll} button`);
    await shows(later.tab, "[role=status]", /^0 tasks are open/);
  }, 180_000);
});

/** Copies an example and deploys it as its README says. Answers the copy's folder. */
async function deployExample(stage: AppStage, app: string): Promise<string> {
  const dir = stage.at(app);
  await cp(join(import.meta.dir, "../../examples", app), dir, { recursive: true });
  await stage.run(["deploy"], { cwd: dir });
  return dir;
}

/** Waits until an element says that. */
async function shows(tab: Page, selector: string, text: string | RegExp): Promise<void> {
  const hasText = typeof text === "string" ? new RegExp(`^${RegExp.escape(text)}$`) : text;
  await tab.locator(selector).filter({ hasText }).waitFor();
}

/** Counts in `opened` the sockets that the page opens from now on. */
async function watchSockets(tab: Page): Promise<void> {
  await tab.evaluate(`
    globalThis.opened = 0;
    globalThis.WebSocket = class extends WebSocket {
      constructor(...given) {
        super(...given);
        globalThis.opened += 1;
      }
    };
  `);
}

/** Adds three tasks, does one, does and reopens another, removes the third, and is refused a name of blanks. */
async function editTasks(tab: Page): Promise<void> {
  const item = (name: string) => tab.locator("li", { hasText: name });
  const press = (name: string, word: string) =>
    item(name)
      .locator("button", { hasText: new RegExp(`^${word}$`) })
      .click();
  for (const name of ["milk", "bread & butter", "<i>tea</i>"]) {
    await tab.fill(".add [name=title]", name);
    await tab.click(".add button");
    await item(name).waitFor();
  }
  await press("milk", "Done");
  await tab.locator("li.done", { hasText: "milk" }).waitFor();
  await press("bread & butter", "Done");
  await tab.locator("li.done", { hasText: "bread" }).waitFor();
  await press("bread & butter", "Reopen");
  await tab.locator("li:not(.done)", { hasText: "bread" }).waitFor();
  await press("<i>tea</i>", "Remove");
  await item("<i>tea</i>").waitFor({ state: "detached" });
  await shows(tab, "[role=status]", /^1 task is open/);
}
