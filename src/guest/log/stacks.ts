import type { GuestError } from "#bridge/model.ts";

import { isObject, natives, propertyOf } from "../natives.ts";
import { readSourceMap, type SourceMap } from "./source-map.ts";

/** Where the program's code is for the runtime, and what its author calls it. */
export type CodeName = {
  /** As stacks of the runtime name it: a `blob:` URL. */
  url: string;
  name: string;
  /** Characters that stand before the author's in the first line. */
  prefixColumns: number;
};

/** Describes errors by the author's files and lines. */
export type Stacks = {
  /** Whose frames are shown from now on; all others are the guest's own or the runtime's. */
  name: (code: CodeName) => void;
  /** Name, message, frames and causes. Never throws. */
  describe: (error: unknown) => string;
  /** Its parts, for the host. Never throws. */
  toError: (error: unknown) => GuestError;
  /** Only the frames. */
  frames: (error: unknown) => string;
  /** Whether a description was asked for that needs the map, which is not there yet. Asking forgets it. */
  wantsMap: () => boolean;
  /** Asks for the map, once. Never rejects. */
  loadMap: () => Promise<void>;
};

const MAX_FRAMES = 30;
const MAX_MESSAGE = 8000;
const MAX_DEPTH = 4;
const MAX_ERRORS = 5;
const FRAME = /^\s*at (?:(?:async )?(.*?) \()?(blob:[0-9a-f-]{36}):(\d+):(\d+)\)?\s*$/;
/** How the runtime calls the function around a script. */
const WRAPPER = /^(?:blob_\w+|starDefault|default|<anonymous>|anonymous)$/;
/** What the runtime or the description itself puts on an error. */
const OWN = new Set(
  "name message stack cause errors line column sourceURL originalLine originalColumn position level notes".split(
    " ",
  ),
);

/** `askMap` gives the text of the source map, "" where there is none. */
export function createStacks(askMap: () => Promise<string>): Stacks {
  let code: CodeName = { url: "", name: "", prefixColumns: 0 };
  let map: SourceMap | undefined;
  let asked: Promise<void> | undefined;
  let loaded = false;
  let wanted = false;

  function place(line: number, column: number): string {
    const at = { line, column: line === 1 ? Math.max(1, column - code.prefixColumns) : column };
    if (!loaded) wanted = true;
    const found = map?.(at);
    return found
      ? `${found.source}:${found.line}:${found.column}`
      : `${code.name}:${at.line}:${at.column}`;
  }
  function frames(error: unknown): string {
    const stack = textOf(error, "stack");
    const shown: string[] = [];
    for (const line of stack.split("\n")) {
      const [, name = "", url, row, column] = FRAME.exec(line) ?? [];
      if (url !== code.url || shown.length === MAX_FRAMES) continue;
      const where = place(Number(row), Number(column));
      shown.push(
        WRAPPER.test(name) || name === "" ? `    at ${where}` : `    at ${name} (${where})`,
      );
    }
    return shown.join("\n");
  }
  function describeAt(error: unknown, depth: number): string {
    if (!(error instanceof Error))
      return typeof error === "string" ? error : natives.inspect(error);
    const cause: unknown = propertyOf(error, "cause");
    const errors: unknown = propertyOf(error, "errors");
    const parts = [titleOf(error) + extras(error), position(error), frames(error)];
    const inner = depth < MAX_DEPTH ? depth + 1 : undefined;
    if (inner !== undefined && cause !== undefined && cause !== null)
      parts.push(`cause: ${describeAt(cause, inner)}`);
    if (inner !== undefined && Array.isArray(errors))
      parts.push(...errors.slice(0, MAX_ERRORS).map((each) => describeAt(each, inner)));
    return parts.filter((part) => part !== "").join("\n");
  }
  /** Of an error of the parser, which has no frames. */
  function position(error: Error): string {
    const at: unknown = propertyOf(error, "position");
    const [line, column] = [propertyOf(at, "line"), propertyOf(at, "column")];
    if (typeof line !== "number" || typeof column !== "number") return "";
    return `    at ${place(line, column)}`;
  }
  async function load(): Promise<void> {
    try {
      const text = await askMap();
      if (text !== "") map = readSourceMap(text);
    } catch {
      // The link is closed, or the map is gone: lines of the program itself are shown.
    }
    loaded = true;
  }
  function describe(error: unknown): string {
    try {
      return describeAt(error, 0);
    } catch {
      return "An error that cannot be shown"; // its getters throw
    }
  }
  return {
    name: (next) => (code = next),
    describe,
    toError: (error) => ({
      name: nameOf(error),
      message: textOf(error, "message").slice(0, MAX_MESSAGE),
      stack: describe(error).slice(0, MAX_MESSAGE),
    }),
    frames,
    wantsMap() {
      const was = wanted;
      wanted = false;
      return was;
    },
    loadMap: () => (asked ??= load()),
  };
}

/** The runtime's parser has a name of its own for what everybody calls a SyntaxError. */
function nameOf(error: unknown): string {
  const name = textOf(error, "name");
  return name === "BuildMessage" ? "SyntaxError" : name || "Error";
}

function titleOf(error: Error): string {
  const name = nameOf(error);
  const message = textOf(error, "message");
  return message === "" ? name : `${name}: ${message}`;
}

/** Properties that the program put on it, such as `code`. */
function extras(error: Error): string {
  const own = Object.entries(error).filter(([key]) => !OWN.has(key));
  return own.length === 0 ? "" : ` ${natives.inspect(Object.fromEntries(own))}`;
}

function textOf(value: unknown, name: string): string {
  if (!isObject(value)) return "";
  const found: unknown = Reflect.get(value, name);
  return typeof found === "string" ? found : "";
}
