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
  /** Name and message, in one line. Never throws. */
  title: (error: unknown) => string;
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
const MAX_TITLE = 200;
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

  const places: Places = {
    isProgram: (url) => url === code.url,
    show(line, column) {
      const at = { line, column: line === 1 ? Math.max(1, column - code.prefixColumns) : column };
      if (!loaded) wanted = true;
      const found = map?.(at) ?? { source: code.name, ...at };
      return `${found.source}:${found.line}:${found.column}`;
    },
  };
  const tell = (error: unknown): string => safely(() => describe(places, error, 0));
  async function load(): Promise<void> {
    try {
      const text = await askMap();
      if (text !== "") map = readSourceMap(text);
    } catch {
      // The link is closed, or the map is gone: lines of the program itself are shown.
    }
    loaded = true;
  }
  return {
    name: (next) => (code = next),
    describe: tell,
    title: (error) => firstLine(safely(() => textOfAny(error))),
    toError: (error) => ({
      name: nameOf(error),
      message: textOf(error, "message").slice(0, MAX_MESSAGE),
      stack: tell(error).slice(0, MAX_MESSAGE),
    }),
    frames: (error) => framesOf(places, error),
    wantsMap() {
      const was = wanted;
      wanted = false;
      return was;
    },
    loadMap: () => (asked ??= load()),
  };
}

/** What is known of the program's code. */
type Places = {
  isProgram: (url: string | undefined) => boolean;
  /** `src/main.ts:3:5` for a place that the runtime names. */
  show: (line: number, column: number) => string;
};

function safely(tell: () => string): string {
  try {
    return tell();
  } catch {
    return "An error that cannot be shown"; // its getters throw
  }
}

function describe(places: Places, error: unknown, depth: number): string {
  if (!(error instanceof Error)) return textOfAny(error);
  const cause: unknown = propertyOf(error, "cause");
  const errors: unknown = propertyOf(error, "errors");
  const parts = [titleOf(error) + extras(error), position(places, error), framesOf(places, error)];
  if (depth < MAX_DEPTH) {
    if (cause !== undefined && cause !== null)
      parts.push(`cause: ${describe(places, cause, depth + 1)}`);
    if (Array.isArray(errors))
      parts.push(...errors.slice(0, MAX_ERRORS).map((each) => describe(places, each, depth + 1)));
  }
  return parts.filter((part) => part !== "").join("\n");
}

function textOfAny(error: unknown): string {
  if (error instanceof Error) return titleOf(error);
  return typeof error === "string" ? error : natives.inspect(error);
}

function firstLine(text: string): string {
  return (text.split("\n", 1)[0] ?? "").slice(0, MAX_TITLE);
}

/** Frames of the program: all others are the guest's own or the runtime's. */
function framesOf(places: Places, error: unknown): string {
  const shown: string[] = [];
  for (const line of textOf(error, "stack").split("\n")) {
    const [, name = "", url, row, column] = FRAME.exec(line) ?? [];
    if (!places.isProgram(url) || shown.length === MAX_FRAMES) continue;
    const where = places.show(Number(row), Number(column));
    const isNamed = name !== "" && !WRAPPER.test(name);
    shown.push(isNamed ? `    at ${name} (${where})` : `    at ${where}`);
  }
  return shown.join("\n");
}

/** Of an error of the parser, which has no frames. */
function position(places: Places, error: Error): string {
  const at: unknown = propertyOf(error, "position");
  const [line, column] = [propertyOf(at, "line"), propertyOf(at, "column")];
  if (typeof line !== "number" || typeof column !== "number") return "";
  return `    at ${places.show(line, column)}`;
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
