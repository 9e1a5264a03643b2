/** A registry with packages, and people with homes of their own, for what runs the compiled binary as a client. */
import { expect } from "bun:test";
import { join } from "node:path";

import { land, type Outcome, type RunOptions, startLand, temporaryFolder } from "./land.ts";
import { writeFiles } from "./project.ts";

/** A version to publish; `files` beside its manifest. */
export type Source = {
  name: string;
  version: string;
  dependencies?: Readonly<Record<string, string>>;
  bin?: Readonly<Record<string, string>>;
  license?: string;
  files?: Readonly<Record<string, string>>;
};

/** How a command of the stage is run: a folder below it, a home below it (`user` by default), variables beside LAND_REGISTRY. */
export type StageRun = Pick<RunOptions, "env" | "input"> & { cwd?: string; home?: string };

/** Where clients are tried. */
export type ClientStage = AsyncDisposable & {
  url: string;
  /** Ends the registry. */
  stop: () => Promise<void>;
  at: (...path: string[]) => string;
  /** Runs a line, whose words are separated by spaces, to its end. */
  run: (line: string | readonly string[], options?: StageRun) => Promise<Outcome>;
  /** The same; it must end with 0. */
  done: (line: string | readonly string[], options?: StageRun) => Promise<Outcome>;
  /** Publishes versions of different packages at once, from the home of ada. */
  publish: (...sources: Source[]) => Promise<void>;
  /** Writes a project whose manifest asks for that. Answers its folder's name. */
  project: (name: string, dependencies?: Readonly<Record<string, string>>) => Promise<string>;
};

/** Starts one; ada has an account there, and `user` is an empty home. */
export async function clientStage(name: string): Promise<ClientStage> {
  const root = await temporaryFolder(name);
  const at = (...path: string[]): string => join(root.path, ...path);
  await writeFiles(at(), { "ada/.keep": "", "user/.keep": "" });
  const server = await startLand({ data: at("data"), home: at("ada") });
  let published = 0;
  const run: ClientStage["run"] = (line, { cwd = ".", home = "user", env, input } = {}) =>
    land(typeof line === "string" ? line.split(" ") : line, {
      cwd: at(cwd),
      home: at(home),
      env: { LAND_REGISTRY: server.url, ...env },
      ...(input !== undefined && { input }),
    });
  const done: ClientStage["done"] = async (line, options) => {
    const ran = await run(line, options);
    expect({ line, ...ran }).toMatchObject({ line, exitCode: 0 });
    return ran;
  };
  await done("register --username ada --email ada@example.com --password-stdin", {
    home: "ada",
    input: "correct horse battery\n",
  });
  return {
    url: server.url,
    stop: async () => void (await server.end("SIGTERM")),
    at,
    run,
    done,
    async publish(...sources) {
      published += 1;
      const folder = `published-${published}`;
      await writeFiles(at(folder), { "land.json": '{ "workspaces": ["*"], "private": true }' });
      for (const [index, { files, ...manifest }] of sources.entries())
        await writeFiles(at(folder, `member-${index}`), {
          "land.json": JSON.stringify(manifest),
          "index.ts": `export const name = "${manifest.name}@${manifest.version}";\n`,
          ...files,
        });
      await done(["publish", "--workspace", "*", "--yes"], { cwd: folder, home: "ada" });
    },
    async project(folder, dependencies = {}) {
      const manifest = { name: folder.replaceAll("/", "-"), version: "0.0.0", dependencies };
      await writeFiles(at(folder), { "land.json": `${JSON.stringify(manifest, null, 2)}\n` });
      return folder;
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await root[Symbol.asyncDispose]();
    },
  };
}
