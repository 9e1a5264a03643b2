import { afterAll, beforeAll, expect } from "bun:test";
import { join } from "node:path";

import type { Browser, BrowserContextOptions, Page } from "playwright-core";

import { rawZip } from "#fixtures/zip.ts";

import { type LandServer, startLand, type TemporaryFolder, temporaryFolder } from "./land.ts";
import { PASSWORD } from "./people.ts";
import { BROWSER } from "./site.ts";

/** How a tab is opened. `refusal`: the status above 400 that answers in it may have. */
export type TabOptions = BrowserContextOptions & { signIn?: string; refusal?: number };

/** A server with the accounts ada and grace, and tabs of browsers that know nothing yet. */
export type Stage = {
  url: () => string;
  /** Address of a site. */
  siteUrl: (site: string) => string;
  at: (...path: string[]) => string;
  /** Hands out a tab; what goes wrong in it fails the test. */
  openTab: (use: (tab: Page) => Promise<void>, options?: TabOptions) => Promise<void>;
  /** Presses the button of the form with that action and waits for the page that follows. */
  send: (tab: Page, action: string, to: string) => Promise<void>;
  makeSite: (tab: Page, name: string) => Promise<void>;
  /** The title of what the site shows. */
  titleOf: (tab: Page, site: string) => Promise<string>;
};

/** Types into the fields of the page's own forms. */
export async function fill(tab: Page, fields: Record<string, string>): Promise<void> {
  for (const [name, value] of Object.entries(fields))
    await tab.fill(`main [name="${name}"]:not([type="hidden"])`, value);
}

/** A zip of a site whose page has that title. */
export const zipOf = (title: string): Buffer =>
  rawZip([
    { name: "notes/index.html", content: `<title>${title}</title><h1>${title}</h1>` },
    { name: "notes/style.css", content: "h1 { color: green }" },
  ]);

/** Sets the stage for the tests of a `describe`. */
export function setStage(name: string, browser: () => Browser): Stage {
  let folder: TemporaryFolder;
  let server: LandServer;
  beforeAll(async () => {
    folder = await temporaryFolder(name);
    await Bun.write(join(folder.path, "home/.keep"), "");
    server = await startLand({ data: join(folder.path, "data"), home: join(folder.path, "home") });
    for (const username of ["ada", "grace"])
      await fetch(`${server.url}/api/v1/users/register`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ username, email: `${username}@example.com`, password: PASSWORD }),
      });
  }, 60_000);
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  }, 60_000);
  const siteUrl = (site: string): string => `http://${site}.localhost:${new URL(server.url).port}`;
  const send = async (tab: Page, action: string, to: string): Promise<void> => {
    await tab.click(`form[action="${action}"] button:not([type="button"])`);
    await tab.waitForURL(`${server.url}${to}`);
  };
  return {
    url: () => server.url,
    siteUrl,
    at: (...path) => join(folder.path, ...path),
    openTab: (use, options = {}) => openTab(browser(), server.url, use, options),
    send,
    makeSite: async (tab, site) => {
      await tab.goto("/sites");
      await fill(tab, { name: site });
      await send(tab, "/sites", `/sites/${site}?done=site-made`);
    },
    titleOf: async (tab, site) => {
      await tab.goto(siteUrl(site));
      return tab.title();
    },
  };
}

async function openTab(
  browser: Browser,
  baseURL: string,
  use: (tab: Page) => Promise<void>,
  { signIn, refusal, ...options }: TabOptions,
): Promise<void> {
  // By its own name a browser without a screen counts as a bot.
  const context = await browser.newContext({ baseURL, userAgent: BROWSER, ...options });
  context.setDefaultTimeout(15_000);
  const wrong: string[] = [];
  const tab = await context.newPage();
  tab.on("pageerror", (error) => wrong.push(error.message));
  tab.on("console", (message) => {
    const { url } = message.location();
    // The browser notes every answer above 400, also where it is the right one.
    const isRight = url.endsWith("/favicon.ico") || message.text().includes(`of ${refusal} `);
    if (message.type() === "error" && !isRight) wrong.push(`${message.text()} ${url}`);
  });
  if (signIn !== undefined) {
    await tab.goto("/login");
    await fill(tab, { username: signIn, password: PASSWORD });
    await tab.click('form[action="/login"] button');
    await tab.waitForURL("**/dashboard*");
  }
  await use(tab);
  await context.close();
  expect(wrong).toEqual([]);
}
