/** Writes one JSON object per line. Secrets never reach it: callers pass ids and names only. */
export type Log = {
  info: (event: string, fields?: Record<string, unknown>) => void;
  warn: (event: string, fields?: Record<string, unknown>) => void;
  error: (event: string, fields?: Record<string, unknown>) => void;
};

/** The least severe line that is written; `off` writes none. */
export type LogLevel = "info" | "warn" | "error" | "off";
const RANK = { info: 0, warn: 1, error: 2, off: 3 } as const;

/** Makes a log that hands finished lines (with `\n`) to `write`. An Error among the fields is written with its stack and causes. */
export function createLog(level: LogLevel, write: (line: string) => void, now: () => Date): Log {
  const at =
    (own: Exclude<LogLevel, "off">) =>
    (event: string, fields: Record<string, unknown> = {}) => {
      if (RANK[own] < RANK[level]) return;
      const line = { at: now().toISOString(), level: own, event, ...fields };
      write(`${JSON.stringify(line, (_key, value: unknown) => describe(value))}\n`);
    };
  return { info: at("info"), warn: at("warn"), error: at("error") };
}

function describe(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (!(value instanceof Error)) return value;
  return {
    message: value.message,
    stack: value.stack,
    ...(value.cause !== undefined && { cause: value.cause }),
  };
}
