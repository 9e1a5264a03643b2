import { expect, test } from "bun:test";

import type { Page } from "playwright-core";

import { describeBrowser } from "../support/browser.ts";
import { land } from "../support/land.ts";
import { PASSWORD } from "../support/people.ts";
import { writeFiles } from "../support/project.ts";
import { deployArgs } from "../support/site.ts";
import { fill, setStage, zipOf } from "../support/stage.ts";

const fileOf = (buffer: Buffer) => ({
  name: "notes.zip",
  mimeType: "application/zip",
  buffer,
});

/** The whole life of a site on the website, with scripts and without. */
describeBrowser("sites in the browser", (browser) => {
  const stage = setStage("sites-browser", browser);
  const { siteUrl, openTab, send, makeSite, titleOf, at } = stage;

  async function upload(tab: Page, site: string, title: string): Promise<void> {
    await tab.goto(`/sites/${site}`);
    await tab.setInputFiles('[name="file"]', fileOf(zipOf(title)));
    await send(tab, `/sites/${site}/upload`, `/sites/${site}?done=deployed`);
  }
  for (const [kind, javaScriptEnabled] of [
    ["with scripts", true],
    ["without scripts", false],
  ] as const) {
    const site = javaScriptEnabled ? "notes" : "plain-notes";

    test(`${kind}: a site is made, a zip goes live, an older deploy comes back, a draft stands beside`, async () => {
      await openTab(
        async (tab) => {
          await makeSite(tab, site);
          expect(await tab.textContent("main")).toContain("Nothing deployed yet");
          await upload(tab, site, "First");
          expect(await tab.textContent(".badge.good")).toBe("live");
          expect(await titleOf(tab, site)).toBe("First");
          await upload(tab, site, "Second");
          expect(await titleOf(tab, site)).toBe("Second");

          await tab.goto(`/sites/${site}`);
          await tab.getByRole("button", { name: /^Make deploy .* live$/ }).click();
          await tab.waitForURL("**/*?done=released");
          expect(await titleOf(tab, site)).toBe("First");

          await tab.goto(`/sites/${site}`);
          await tab.check('[name="draft"]');
          await tab.setInputFiles('[name="file"]', fileOf(zipOf("Third")));
          await send(tab, `/sites/${site}/upload`, `/sites/${site}?done=drafted`);
          expect(await titleOf(tab, site)).toBe("First");
          await tab.goto(`/sites/${site}`);
          await tab.locator("tr", { hasText: "draft" }).locator("th a").click();
          await tab.waitForURL("**/deploys/*");
          expect(await tab.textContent("main")).toContain("Changed: 1 file");
          await tab.click(".pairs a");
          await tab.waitForURL(`http://*--${site}.localhost:*/`);
          expect(await tab.title()).toBe("Third");
        },
        { javaScriptEnabled, signIn: "ada" },
      );
    }, 60_000);

    test(`${kind}: a broken archive is told on the page, and the site stays`, async () => {
      await openTab(
        async (tab) => {
          await tab.goto(`/sites/${site}`);
          const broken = fileOf(zipOf("Broken").subarray(0, 90));
          await tab.setInputFiles('[name="file"]', broken);
          await tab.click(`form[action="/sites/${site}/upload"] button`);
          await tab.getByRole("alert").waitFor();
          expect(await tab.textContent('[role="alert"]')).toContain("Cannot");
          expect(await titleOf(tab, site)).toBe("First");
        },
        { javaScriptEnabled, signIn: "ada", refusal: 422 },
      );
    }, 60_000);

    test(`${kind}: a member is added, a key is shown once, deploys, and is revoked`, async () => {
      await openTab(
        async (tab) => {
          await tab.goto(`/sites/${site}/people`);
          await fill(tab, { user: "grace" });
          await tab.selectOption('[name="role"]', "viewer");
          await send(tab, `/sites/${site}/members`, `/sites/${site}/people?done=member-set`);
          expect(await tab.textContent('[aria-label="Members"]')).toContain("viewer");

          await fill(tab, { name: "laptop of grace" });
          await tab.click(`form[action="/sites/${site}/keys"] button`);
          const token = (await tab.textContent(".secret code")) ?? "";
          expect(token).toMatch(/^land_[0-9A-Za-z]{49}$/);
          const dir = at(`${site}-by-key`);
          await writeFiles(dir, { "index.html": "<title>By key</title>" });
          const options = {
            cwd: dir,
            home: at("home"),
            env: { LAND_REGISTRY: stage.url(), LAND_TOKEN: token },
          };
          expect(await land(deployArgs(site, dir), options)).toMatchObject({ exitCode: 0 });

          await tab.goto(`/sites/${site}/people`);
          expect(await tab.content()).not.toContain(token);
          expect(await tab.textContent('[aria-label="Keys"]')).toContain(`deploy:${site}`);
          await tab.goto(`/sites/${site}`);
          expect(await tab.textContent('[aria-label="Deploys"]')).toContain("laptop of grace");

          await tab.goto(`/sites/${site}/people`);
          await tab.getByRole("button", { name: "Revoke key laptop of grace" }).click();
          await tab.waitForURL("**/people?done=token-revoked");
          const refused = await land(deployArgs(site, dir), options);
          expect(refused.exitCode).not.toBe(0);
        },
        { javaScriptEnabled, signIn: "ada" },
      );
    }, 60_000);

    test(`${kind}: a password opens the site, an account opens one for members, maintenance shuts it`, async () => {
      const protect = async (protection: string, password?: string, maintenance = false) =>
        openTab(
          async (tab) => {
            await tab.goto(`/sites/${site}/settings`);
            await tab.check(`[name="protection"][value="${protection}"]`);
            if (password !== undefined) await fill(tab, { password });
            await tab.setChecked('[name="maintenance"]', maintenance);
            await send(tab, `/sites/${site}/settings`, `/sites/${site}/settings?done=site-saved`);
          },
          { javaScriptEnabled, signIn: "ada" },
        );
      await protect("password", "open sesame");
      await openTab(
        async (tab) => {
          await tab.goto(`${siteUrl(site)}/?a=b`);
          await fill(tab, { password: "open sesame" });
          await tab.getByRole("button").click();
          await tab.waitForURL(`${siteUrl(site)}/?a=b`);
          expect(await tab.title()).toBe("By key");
        },
        { javaScriptEnabled, refusal: 401 },
      );
      await protect("members");
      await openTab(
        async (tab) => {
          await tab.goto(`${siteUrl(site)}/?from=here`);
          await tab.waitForURL(`${stage.url()}/login?*`);
          await fill(tab, { username: "grace", password: PASSWORD });
          await tab.click('form[action="/login"] button');
          await tab.waitForURL(`${siteUrl(site)}/?from=here`);
          expect(await tab.title()).toBe("By key");
        },
        { javaScriptEnabled },
      );
      await protect("none", undefined, true);
      const openOne = async (title: string, refusal = 0) =>
        openTab(async (tab) => expect(await titleOf(tab, site)).toContain(title), {
          javaScriptEnabled,
          refusal,
        });
      await openOne("under maintenance", 503);
      await protect("none");
      await openOne("By key");
    }, 60_000);

    test(`${kind}: traffic and log show who came`, async () => {
      await openTab(
        async (tab) => {
          await titleOf(tab, site);
          do await tab.goto(`/sites/${site}/traffic`);
          while ((await tab.locator("svg.chart").count()) === 0);
          expect(await tab.locator(".tops .item").first().textContent()).toBe("/");
          await tab.goto(`/sites/${site}/logs`);
          expect(await tab.textContent("ol.log")).toContain("GET /");
          await tab.goto(`/sites/${site}/domains`);
          await fill(tab, { host: `www.${site}.org` });
          await send(tab, `/sites/${site}/domains`, `/sites/${site}/domains?done=domain-added`);
          expect(await tab.textContent("main")).toContain(`_land.www.${site}.org`);
        },
        { javaScriptEnabled, signIn: "ada" },
      );
    }, 60_000);
  }
});
