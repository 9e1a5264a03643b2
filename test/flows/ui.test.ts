import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";

import type { Page } from "playwright-core";

import { landBinary } from "../support/binary.ts";
import { describeBrowser } from "../support/browser.ts";
import {
  cleanEnvironment,
  land,
  type LandServer,
  startLand,
  type TemporaryFolder,
  temporaryFolder,
} from "../support/land.ts";
import { PASSWORD } from "../support/people.ts";
import { writeFiles } from "../support/project.ts";

/**
 * `land ui` through the compiled binary and a real browser: come in by the secret → see a project → update a package by its
 * button → remove it → prune the store → quit. Then the same page without scripts.
 */
let root: TemporaryFolder;
let server: LandServer;
const at = (...path: string[]): string => join(root.path, ...path);
const run = (args: readonly string[], cwd: string, input?: string) =>
  land(args, {
    cwd,
    home: at("home"),
    env: { LAND_REGISTRY: server.url },
    ...(input !== undefined && { input }),
  });

async function publish(name: string, version: string, dependencies: Record<string, string> = {}) {
  const dir = at("src", `${name}-${version}`);
  await writeFiles(dir, {
    "land.json": JSON.stringify({
      name,
      version,
      description: "A package",
      license: "MIT",
      dependencies,
    }),
    "index.ts": `export const version = "${version}";\n`,
  });
  expect(await run(["publish", "--json", "--yes"], dir)).toMatchObject({ exitCode: 0 });
}

beforeAll(async () => {
  root = await temporaryFolder("flow-ui");
  await writeFiles(root.path, {
    "home/.keep": "",
    "app/land.json": JSON.stringify({
      name: "my-app",
      version: "1.0.0",
      dependencies: { greet: "1.0.0" },
    }),
  });
  server = await startLand({ data: at("data"), home: at("home") });
  const account = [
    "register",
    "--username",
    "ada",
    "--email",
    "ada@example.com",
    "--password-stdin",
  ];
  expect(await run(account, at("home"), `${PASSWORD}\n`)).toMatchObject({ exitCode: 0 });
  await publish("left", "1.0.0");
  await publish("greet", "1.0.0", { left: "^1.0.0" });
  await publish("greet", "1.1.0", { left: "^1.0.0" });
  expect(await run(["install"], at("app"))).toMatchObject({ exitCode: 0 });
  await writeFiles(root.path, {
    "app/land.json": JSON.stringify({
      name: "my-app",
      version: "1.0.0",
      dependencies: { greet: "^1.0.0" },
    }),
  });
  expect(await run(["install"], at("app"))).toMatchObject({ exitCode: 0 });
}, 60_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await root[Symbol.asyncDispose]();
});

async function startPages() {
  const child = Bun.spawn([await landBinary(), "ui", "--no-open", "--json"], {
    cwd: at("home"),
    env: cleanEnvironment(at("home"), { LAND_REGISTRY: server.url }),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const { value } = await child.stdout.getReader().read();
  const { url }: { url: string } = JSON.parse(new TextDecoder().decode(value));
  return { url, child };
}

/** Presses a button and waits for what comes of its act. */
async function press(tab: Page, name: string): Promise<string> {
  await tab.getByRole("button", { name, exact: true }).first().click();
  await tab.waitForURL(/\/task\?id=/);
  const status = tab.getByRole("status");
  await status.waitFor();
  return status.innerText();
}

describeBrowser("land ui in a browser", (browser) => {
  test("does what its buttons say, live", async () => {
    const { url, child } = await startPages();
    const context = await browser().newContext();
    context.setDefaultTimeout(15_000);
    const tab = await context.newPage();
    const wrong: string[] = [];
    tab.on("pageerror", (error) => wrong.push(error.message));
    tab.on("console", (message) => {
      if (message.type() === "error") wrong.push(message.text());
    });
    await tab.goto(url);
    await tab.getByRole("link", { name: "my-app" }).click();
    const table = tab.getByRole("table");
    await table.waitFor();
    expect(await table.innerText()).toMatch(/greet\s+1\.0\.0\s+1\.1\.0/);
    // The script replaces what went on by what came of it, without another page.
    const updated = await press(tab, "Update greet to 1.1.0");
    expect(updated).toContain("2 packages: 1 changed");
    expect(updated).toMatch(/greet changed\s+1\.1\.0\s+1\.0\.0/);
    expect(await tab.title()).toBe("Update greet · land");
    await tab.getByRole("link", { name: "Back to app" }).click();
    await tab.getByText("All is up to date").waitFor();
    expect(await press(tab, "Remove greet")).toContain("0 packages: 2 removed");
    await tab.getByRole("link", { name: "Store", exact: true }).click();
    await tab.getByText("Would remove 3 packages").waitFor();
    expect(await press(tab, "Remove all that nothing needs")).toContain("Removed 3 packages");
    await tab.getByRole("link", { name: "Done here" }).click();
    expect(await tab.getByRole("listitem").count()).toBe(3);
    // Nobody else comes in by an address that was used.
    expect((await fetch(url)).status).toBe(403);
    await tab.getByRole("button", { name: "Quit" }).click();
    await tab.getByRole("heading", { name: "land ui has ended" }).waitFor();
    expect(await child.exited).toBe(0);
    expect(await child.stderr.text()).toBe("");
    expect(wrong).toEqual([]);
    await context.close();
    expect((await run(["list", "--json"], at("app"))).json()).toMatchObject({ packages: [] });
  }, 30_000);

  test("needs no scripts", async () => {
    const { url, child } = await startPages();
    const context = await browser().newContext({ javaScriptEnabled: false });
    const tab = await context.newPage();
    await tab.goto(url);
    await tab.getByRole("link", { name: "my-app" }).click();
    await tab.getByLabel("Add a package").fill("left");
    await tab.getByRole("button", { name: "Add", exact: true }).click();
    await tab.getByRole("status").waitFor({ timeout: 10_000 });
    expect(await tab.getByRole("status").innerText()).toContain("1 added");
    await tab.getByRole("link", { name: "Back to app" }).click();
    await tab.getByRole("link", { name: "Ask the registries" }).click();
    await tab.getByText("All is up to date").waitFor();
    await context.close();
    child.kill("SIGINT");
    expect(await child.exited).toBe(0);
  }, 30_000);
});
