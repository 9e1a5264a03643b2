import type { BridgeError } from "#bridge/model.ts";

import type { Binding, ProgramRef, Tenant } from "../tenant.ts";
import type { ProgramCode, ProgramLine } from "./parts.ts";
import { refuse } from "./refusals.ts";

const LEVELS: ReadonlySet<unknown> = new Set(["debug", "info", "warn", "error"]);
const MAX_MESSAGE_CHARS = 8192;
const MAX_REQUEST_ID_CHARS = 64;

/** What every program is given by the supervisor itself: a log, and its own source map. */
export function programsBinding(parts: {
  log: (tenant: Tenant, line: ProgramLine) => void;
  refOf: (tenant: Tenant) => ProgramRef | undefined;
  codeOf: (ref: ProgramRef) => Promise<ProgramCode>;
}): Binding {
  return {
    notes: {
      log(tenant, params) {
        const line = parseLine(params);
        if (line) parts.log(tenant, line);
      },
    },
    calls: {
      async "program.map"(tenant) {
        const ref = parts.refOf(tenant);
        if (!ref) throw gone();
        const { map } = await parts.codeOf(ref);
        return map ? { value: null, bytes: map } : { value: null };
      },
    },
  };
}

function gone(): BridgeError {
  return refuse("program_gone", "The program does not run any more");
}

/** A line as a guest sent it; undefined where it is none. */
function parseLine(params: unknown): ProgramLine | undefined {
  if (params === null || typeof params !== "object") return undefined;
  const { level, message, requestId }: Partial<Record<string, unknown>> = { ...params };
  if (!isLevel(level) || typeof message !== "string") return undefined;
  return {
    level,
    message: message.slice(0, MAX_MESSAGE_CHARS),
    ...(typeof requestId === "string" &&
      requestId !== "" && { requestId: requestId.slice(0, MAX_REQUEST_ID_CHARS) }),
  };
}

function isLevel(level: unknown): level is ProgramLine["level"] {
  return LEVELS.has(level);
}
