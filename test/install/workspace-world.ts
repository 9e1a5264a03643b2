import { readlinkSync } from "node:fs";

import type { InstallOptions } from "#install/options.ts";

import { writeFiles } from "../support/project.ts";
import { type InstallWorld, stockedWorld } from "./world.ts";

/** A world with a workspace in its folder `ws`. */
export type WorkspaceWorld = InstallWorld & {
  /** Writes the workspace: manifests by folder of the members, and what its own has besides. */
  workspace: (manifests: Record<string, object>, root?: object) => Promise<void>;
  /** Where the link of a member leads. */
  link: (name: string) => string;
  /** `code: message` of an install that must fail. */
  refused: (more?: Partial<InstallOptions>) => Promise<string>;
};

/** Makes one without the workspace. */
export async function workspaceWorld(): Promise<WorkspaceWorld> {
  const world = await stockedWorld();
  return {
    ...world,
    async workspace(manifests, root = {}) {
      await writeFiles(world.at("ws"), {
        "land.json": toJson({ name: "ws", workspaces: ["packages/*"], ...root }),
        ...Object.fromEntries(
          Object.entries(manifests).map(([folder, manifest]) => [
            `${folder}/land.json`,
            toJson(manifest),
          ]),
        ),
      });
    },
    link: (name) => readlinkSync(world.at("ws", "land_modules", name)),
    async refused(more) {
      const { code, message } = await world.refusal("ws", more);
      return `${code}: ${message}`;
    },
  };
}

/** The text of a manifest. */
export function toJson(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Two members, of which the one needs the other. */
export const PAIR = {
  "packages/a": {
    name: "@w/a",
    version: "1.0.0",
    dependencies: { "@w/b": "workspace:^", left: "1" },
  },
  "packages/b": {
    name: "@w/b",
    version: "1.2.0",
    devDependencies: { pad: "^1.0.0" },
    bin: { bee: "bee.ts" },
    main: "index.ts",
  },
};
