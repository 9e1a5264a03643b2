import type { Args, Values } from "./command.ts";

/** Flags that every command takes. */
export const globalArgs = {
  registry: {
    type: "text",
    value: "URL",
    about: "Address of the registry",
    env: false,
  },
  json: { type: "boolean", about: "Print one JSON value on stdout and nothing else there" },
  jsonl: { type: "boolean", about: "Like --json, with progress as JSON lines before the value" },
  yes: { type: "boolean", short: "y", about: "Answer yes to every question" },
  quiet: { type: "boolean", short: "q", about: "Say nothing but the result and errors" },
  verbose: { type: "boolean", about: "Show where in land an error arose" },
  color: { type: "boolean", default: true, about: "Use no colours; NO_COLOR does the same" },
  plugins: { type: "boolean", default: true, about: "Load no plugins and run no hooks" },
  cwd: { type: "text", value: "DIR", about: "Run as if started in DIR" },
  help: { type: "boolean", short: "h", about: "Show the help of the command", env: false },
} as const satisfies Args;

/** What the global flags say. */
export type Globals = Values<typeof globalArgs>;
