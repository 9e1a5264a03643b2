/** A server with an account and a package, and homes with plugins, for what runs the compiled binary. */
import { expect } from "bun:test";
import { join } from "node:path";

import { land, type Outcome, startLand, temporaryFolder } from "../support/land.ts";
import { writeFiles } from "../support/project.ts";

type Run = (args: readonly string[], env?: Record<string, string>) => Promise<Outcome>;

/** Where plugins are tried. */
export type PluginStage = AsyncDisposable & {
  url: string;
  /** Runs in the home of ada, who is signed in. */
  asAda: (args: readonly string[], cwd: string, env?: Record<string, string>) => Promise<Outcome>;
  /** Writes a folder below the sources of ada. */
  source: (name: string, files: Record<string, string>) => Promise<string>;
  /** Publishes version 1.0.0 of a package of ada's, whose `main` is index.ts. */
  publish: (name: string, dependencies: Record<string, string>, code: string) => Promise<void>;
  /** A home with these plugins and settings, and a project in which to run. */
  newHome: (
    plugins?: Record<string, string>,
    config?: object,
  ) => Promise<{ home: string; cwd: string; run: Run; plugin: (...path: string[]) => string }>;
};

/** Starts one whose registry has the package `pad`. */
export async function pluginStage(): Promise<PluginStage> {
  const root = await temporaryFolder("plugin");
  const at = (...path: string[]): string => join(root.path, ...path);
  await writeFiles(at(), { "ada/.keep": "" });
  const server = await startLand({ data: at("data"), home: at("ada") });
  const env = { LAND_REGISTRY: server.url };
  const registered = await land(
    ["register", "--username", "ada", "--email", "ada@example.com", "--password-stdin"],
    { cwd: at("ada"), home: at("ada"), env, input: "correct horse battery\n" },
  );
  expect(registered).toMatchObject({ exitCode: 0 });
  let homes = 0;
  const stage: PluginStage = {
    url: server.url,
    asAda: (args, cwd, more = {}) => land(args, { cwd, home: at("ada"), env: { ...env, ...more } }),
    async source(name, files) {
      await writeFiles(at("src", name), files);
      return at("src", name);
    },
    async publish(name, dependencies, code) {
      const manifest = JSON.stringify({ name, version: "1.0.0", main: "index.ts", dependencies });
      const dir = await stage.source(name, { "land.json": manifest, "index.ts": code });
      expect(await stage.asAda(["publish"], dir)).toMatchObject({ exitCode: 0 });
    },
    async newHome(plugins = {}, config = {}) {
      homes += 1;
      const home = at(`home${homes}`);
      const cwd = at(`project${homes}`);
      await writeFiles(join(home, ".land", "plugins"), { ".keep": "", ...plugins });
      await writeFiles(join(home, ".land"), { "config.json": JSON.stringify(config) });
      await writeFiles(cwd, { "land.json": '{ "name": "p", "version": "1.0.0" }\n' });
      return {
        home,
        cwd,
        run: (args, more = {}) => land(args, { cwd, home, env: { ...env, ...more } }),
        plugin: (...path) => join(home, ".land", "plugins", ...path),
      };
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await root[Symbol.asyncDispose]();
    },
  };
  await stage.publish("pad", {}, "export const pad = (text: string) => `[${text}]`;\n");
  return stage;
}
