import type { Args } from "./command.ts";

/** Which versions are picked. */
export const resolutionArg = {
  type: "text",
  value: "WHICH",
  about: "highest or lowest: versions that are picked where nothing is locked (default: highest)",
  oneOf: ["highest", "lowest"],
} as const;

/** Flags of commands that change what a project asks for. */
export const changeArgs = {
  workspace: {
    type: "text",
    value: "MEMBER",
    about: "Which member of the workspace, by name or folder (default: the one here)",
  },
  resolution: resolutionArg,
  dryRun: { type: "boolean", about: "Show what would change, and write nothing" },
  offline: { type: "boolean", about: "Ask no registry; fail where something is not known here" },
} as const satisfies Args;
