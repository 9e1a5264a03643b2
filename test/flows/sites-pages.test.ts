import { beforeAll, expect, test } from "bun:test";

import type { Page } from "playwright-core";

import { describeBrowser } from "../support/browser.ts";
import { askSite } from "../support/site.ts";
import { fill, setStage, zipOf } from "../support/stage.ts";

/** What scripts add to the pages of sites, what fits where, and who sees what. */
describeBrowser("the pages of a site", (browser) => {
  const stage = setStage("site-pages", browser);
  const { siteUrl, openTab, send, makeSite, titleOf } = stage;
  beforeAll(
    () =>
      openTab(
        async (tab) => {
          await makeSite(tab, "notes");
          await tab.goto("/sites/notes/people");
          await fill(tab, { user: "grace" });
          await tab.selectOption('[name="role"]', "viewer");
          await send(tab, "/sites/notes/members", "/sites/notes/people?done=member-set");
        },
        { signIn: "ada" },
      ),
    60_000,
  );

  test("a folder and a zip that are dropped on the page go live", async () => {
    await openTab(
      async (tab) => {
        await makeSite(tab, "dropped");
        await drop(tab, { "site/index.html": "<title>Folder</title>", "site/a/b.txt": "deep" });
        await tab.waitForURL("**/sites/dropped?done=deployed");
        expect(await titleOf(tab, "dropped")).toBe("Folder");
        await tab.goto(`${siteUrl("dropped")}/a/b.txt`);
        expect(await tab.textContent("body")).toBe("deep");
        await tab.goto("/sites/dropped");
        await drop(tab, { "notes.zip": zipOf("Zip").toString("latin1") });
        await tab.waitForURL("**/sites/dropped?done=deployed");
        expect(await titleOf(tab, "dropped")).toBe("Zip");
        await tab.goto("/sites/dropped");
        await drop(tab, { "../evil/index.html": "<title>Evil</title>" });
        await tab.locator("[data-drop-state]", { hasText: "Cannot" }).waitFor();
      },
      { signIn: "ada", refusal: 422 },
    );
  }, 60_000);

  test("new lines of the log come by themselves", async () => {
    await openTab(
      async (tab) => {
        await tab.goto("/sites/notes/logs");
        await askSite({ url: stage.url() }, "notes", "/while-you-look");
        await tab.locator("ol.log li", { hasText: "/while-you-look" }).waitFor();
      },
      { signIn: "ada" },
    );
  }, 60_000);

  test("every page of a site fits 320 px, has one first heading, and a label for every field", async () => {
    for (const colorScheme of ["light", "dark"] as const)
      await openTab(
        async (tab) => {
          const parts = ["", "/traffic", "/domains", "/people", "/logs", "/settings"];
          for (const path of ["/sites", ...parts.map((part) => `/sites/notes${part}`)]) {
            await tab.goto(path);
            const wide = await tab.evaluate("document.documentElement.scrollWidth - innerWidth");
            expect([path, wide, await tab.locator("h1").count()]).toEqual([path, 0, 1]);
            const fields = tab.locator("main :is(input:not([type=hidden]), select)");
            for (const field of await fields.all())
              expect([
                path,
                await field.evaluate((one) => "labels" in one && one.labels),
              ]).not.toEqual([path, null]);
          }
        },
        { colorScheme, viewport: { width: 320, height: 640 }, signIn: "ada" },
      );
  }, 60_000);

  test("who is no member sees nothing of it, and a viewer no buttons", async () => {
    await openTab(
      async (tab) => {
        await tab.goto("/sites/notes");
        expect(await tab.locator("main form").count()).toBe(0);
      },
      { signIn: "grace" },
    );
    const answer = await fetch(`${stage.url()}/sites/notes`, { redirect: "manual" });
    expect(answer.headers.get("location")).toStartWith("/login");
  }, 60_000);

  test("a site is removed after its name is typed", async () => {
    await openTab(
      async (tab) => {
        await tab.goto("/sites/notes/settings");
        await fill(tab, { confirm: "other" });
        await tab.click('form[action="/sites/notes/delete"] button');
        expect(await tab.textContent("#confirm-problem")).toContain("notes");
        await fill(tab, { confirm: "notes" });
        await send(tab, "/sites/notes/delete", "/sites?done=site-deleted");
        expect(await tab.locator('main a[href="/sites/notes"]').count()).toBe(0);
      },
      { signIn: "ada", javaScriptEnabled: false, refusal: 422 },
    );
    const gone = await askSite({ url: stage.url() }, "notes", "/");
    expect(gone.status).toBe(404);
  }, 60_000);
});

/** Drops files on the page, as a browser would hand them over: one entry per folder or file at the top. */
async function drop(tab: Page, files: Record<string, string>): Promise<void> {
  await tab.evaluate((contents) => {
    type Entry = { name: string; isFile: boolean };
    const entryOf = (prefix: string, name: string): Entry => {
      const path = prefix + name;
      const content = contents[path];
      if (content !== undefined) {
        const bytes = Uint8Array.from(content, (letter) => letter.charCodeAt(0));
        const file = (done: (file: File) => void) => done(new File([bytes], name));
        return { name, isFile: true, file } as Entry;
      }
      const names = new Set<string>();
      for (const one of Object.keys(contents))
        if (one.startsWith(`${path}/`)) names.add(one.slice(path.length + 1).split("/")[0] ?? "");
      const left = [[...names].map((one) => entryOf(`${path}/`, one)), []];
      const readEntries = (done: (entries: Entry[]) => void) => done(left.shift() ?? []);
      return { name, isFile: false, createReader: () => ({ readEntries }) } as Entry;
    };
    const tops = new Set(Object.keys(contents).map((path) => path.split("/")[0] ?? ""));
    const items = [...tops].map((name) => ({ webkitGetAsEntry: () => entryOf("", name) }));
    const event = new Event("drop", { bubbles: true, cancelable: true });
    Object.defineProperty(event, "dataTransfer", { value: { items } });
    // @ts-ignore -- runs in the browser
    document.querySelector("[data-drop]").dispatchEvent(event);
  }, files);
}
