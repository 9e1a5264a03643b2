import { BridgeError } from "#bridge/model.ts";

/** What a visitor is told where a program did not answer. */
export type Trouble = { status: number; code: string; retryAfterSeconds?: number };

/** Statuses by the code of what happened. All others are faults of the program: 500. */
const STATUSES: Readonly<Record<string, number>> = {
  bad_body: 502,
  bad_head: 502,
  bad_response: 502,
  body_too_large: 413,
  busy: 503,
  cancelled: 503,
  cpu_budget: 503,
  cpu_limit: 503,
  crashed: 503,
  deploy_not_live: 503,
  disk_limit: 503,
  functions_unavailable: 503,
  link_closed: 503,
  memory_limit: 503,
  no_handler: 404,
  program_broken: 500,
  program_gone: 503,
  protocol: 502,
  start_failed: 503,
  stopping: 503,
  thread_limit: 503,
  too_large: 502,
  wall_limit: 504,
};
const BUSY_SECONDS = 1;

/** The status and code of an error; an unknown one is `internal`, whatever it says. */
export function troubleOf(error: unknown): Trouble {
  if (!(error instanceof BridgeError)) return { status: 500, code: "internal" };
  const { code, retryAfterSeconds = code === "busy" ? BUSY_SECONDS : undefined } = error;
  const status = Object.hasOwn(STATUSES, code) ? STATUSES[code] : undefined;
  // Programs may say any word themselves.
  if (status === undefined) return { status: 500, code: "exception" };
  return { status, code, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
}
