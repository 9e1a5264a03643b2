import type { Writable } from "node:stream";

import { natives } from "../natives.ts";
import { formatArguments } from "./format.ts";
import type { Level, Lines } from "./lines.ts";
import type { Stacks } from "./stacks.ts";

/** Lets `console`, `process.stdout` and `process.stderr` write to the site's log, and errors be shown with the author's lines. */
export function installConsole(lines: Lines, stacks: Stacks): void {
  // oxlint-disable-next-line no-extend-native -- how the runtime lets errors say how they are shown
  Object.defineProperty(Error.prototype, Symbol.for("nodejs.util.inspect.custom"), {
    value(this: unknown) {
      return stacks.describe(this);
    },
    configurable: true,
    writable: true,
  });
  const state: State = { indent: "", counts: new Map(), timers: new Map() };
  const write = (level: Level, values: readonly unknown[]): void => {
    const { indent } = state;
    lines.write(level, () => {
      const text = formatArguments(values);
      return indent === "" ? text : indent + text.replaceAll("\n", `\n${indent}`);
    });
  };
  const trace = (...values: unknown[]): void => {
    const here = new Error("trace");
    lines.write(
      "debug",
      () =>
        ["Trace", formatArguments(values)].filter((part) => part !== "").join(": ") +
        `\n${stacks.frames(here)}`,
    );
  };
  Object.assign(console, plain(write), grouped(state, write), counted(state, write), { trace });
  installStream("stdout", "info", lines);
  installStream("stderr", "error", lines);
}

type State = { indent: string; counts: Map<string, number>; timers: Map<string, number> };
type Write = (level: Level, values: readonly unknown[]) => void;

function plain(write: Write): Partial<Console> {
  const at =
    (level: Level) =>
    (...values: unknown[]): void =>
      write(level, values);
  return {
    debug: at("debug"),
    log: at("info"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    dir: (value) => write("info", [value]),
    dirxml: at("info"),
    assert(condition, ...values) {
      if (!condition) write("error", ["Assertion failed", ...values]);
    },
    table(data: unknown, columns?: string[]) {
      const isTable = typeof data === "object" && data !== null;
      write("info", [isTable ? natives.inspectTable(data, columns, { colors: false }) : data]);
    },
  };
}

function grouped(state: State, write: Write): Partial<Console> {
  const open = (...values: unknown[]): void => {
    if (values.length > 0) write("info", values);
    if (state.indent.length < 40) state.indent += "  ";
  };
  return {
    group: open,
    groupCollapsed: open,
    groupEnd() {
      state.indent = state.indent.slice(2);
    },
  };
}

/** Labels that are kept at most: they come from the program. */
const MAX_LABELS = 1000;

function keep(map: Map<string, number>, label: string, value: number): void {
  if (map.has(label) || map.size < MAX_LABELS) map.set(label, value);
}

function counted({ counts, timers }: State, write: Write): Partial<Console> {
  const elapsed = (label: string, values: readonly unknown[]): void => {
    const start = timers.get(label);
    if (start === undefined) write("warn", [`Timer "${label}" was not started`]);
    else write("info", [`${label}: ${(performance.now() - start).toFixed(2)}ms`, ...values]);
  };
  return {
    count(label = "default") {
      keep(counts, label, (counts.get(label) ?? 0) + 1);
      write("info", [`${label}: ${counts.get(label) ?? 1}`]);
    },
    countReset: (label = "default") => void counts.delete(label),
    time: (label = "default") => keep(timers, label, performance.now()),
    timeLog: (label = "default", ...values) => elapsed(label, values),
    timeEnd(label = "default") {
      elapsed(label, []);
      timers.delete(label);
    },
  };
}

/** Bytes of a line that has not ended. */
const MAX_OPEN_LINE = 64 * 1024;

/** A stream in place of the process's own, whose lines go to the log. */
function installStream(name: "stdout" | "stderr", level: Level, lines: Lines): void {
  let stream: Writable | undefined;
  // To redefine what was never looked at would make it first, which takes longer than all the rest of a start; to assign does not.
  Reflect.set(process, name, undefined);
  Object.defineProperty(process, name, {
    get: () => (stream ??= createStream(level, lines)),
    configurable: true,
  });
}

function createStream(level: Level, lines: Lines): Writable {
  // Its module takes longer to load than the rest of the guest together, and few programs write to a stream.
  const { Writable: Stream } = natives.builtin("node:stream");
  let open = "";
  return new Stream({
    decodeStrings: false,
    write(chunk: unknown, _encoding, done) {
      const text = Buffer.isBuffer(chunk) ? chunk.toString("utf8") : String(chunk);
      const parts = (open + text).split("\n");
      open = parts.pop() ?? "";
      if (open.length > MAX_OPEN_LINE) {
        parts.push(open);
        open = "";
      }
      for (const line of parts) lines.write(level, () => line);
      done();
    },
  });
}
