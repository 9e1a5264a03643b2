/**
 * `src/base` knows nothing of land's features: errors, names, config, events, hooks, log.
 * Every layer above calls it. It must never import from them, nor read the clock or the disk unasked.
 */
import { catalogue, type Entry } from "./catalogue.ts";

/** Every code `land` can fail with. */
export type Code = keyof typeof catalogue;
/** What an entry of the catalogue must be told to word its message. */
export type ParamsOf<C extends Code> = Parameters<(typeof catalogue)[C]["detail"]>[0];

/** RFC 9457 body, plus our `code`, `hint`, `requestId` and `data` members. */
export type Problem = {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  instance?: string;
  hint?: string;
  requestId?: string;
  /** The parameters that worded the message, for programs. */
  data?: Record<string, unknown>;
};

/** The only error class thrown on purpose. Anything else is a bug and renders as `internal`. */
export class LandError extends Error {
  override readonly name = "LandError";
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly hint: string | undefined;
  readonly data: Record<string, unknown> | undefined;
  /** Process exit code of a command that ends with this error. */
  readonly exitCode: number;
  /** Set where the error came out of another machine's answer. */
  readonly requestId: string | undefined;

  constructor(problem: Omit<Problem, "type"> & { exitCode: number }, options?: ErrorOptions) {
    super(problem.detail, options);
    this.code = problem.code;
    this.status = problem.status;
    this.title = problem.title;
    this.hint = problem.hint;
    this.data = problem.data;
    this.exitCode = problem.exitCode;
    this.requestId = problem.requestId;
  }
}

/** Builds a catalogued error: `throw fail("package_not_found", { name })`. */
export function fail<C extends Code>(
  code: C,
  params: ParamsOf<C>,
  options?: ErrorOptions,
): LandError {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- TypeScript does not relate a table to its key
  const entry = catalogue[code] as unknown as Entry<ParamsOf<C>>;
  const hint = entry.hint?.(params);
  return new LandError(
    {
      code,
      status: entry.status,
      title: entry.title,
      detail: entry.detail(params),
      data: { ...params },
      exitCode: entry.exit ?? exitOfStatus(entry.status),
      ...(hint && { hint }),
    },
    options,
  );
}

/** Turns anything thrown into a LandError. What is not one becomes `internal`, its cause kept for the log. */
export function toLandError(thrown: unknown): LandError {
  return thrown instanceof LandError ? thrown : fail("internal", {}, { cause: thrown });
}

/** The problem document of an error. `typeBase` is the address under which error pages are found. */
export function toProblem(
  error: LandError,
  about: { typeBase?: string; instance?: string; requestId?: string } = {},
): Problem {
  const { code, status, title, message: detail, hint, data } = error;
  const requestId = about.requestId ?? error.requestId;
  return {
    type: `${about.typeBase ?? ""}/errors/${code}`,
    title,
    status,
    detail,
    code,
    ...(about.instance && { instance: about.instance }),
    ...(hint && { hint }),
    ...(requestId && { requestId }),
    ...(data && Object.keys(data).length > 0 && { data }),
  };
}

/** Turns a problem document of a registry back into the error that was thrown there. */
export function fromProblem(problem: Problem): LandError {
  const known = isCode(problem.code) ? catalogue[problem.code].exit : undefined;
  const exitCode = problem.code === "internal" ? 1 : (known ?? exitOfStatus(problem.status));
  return new LandError({ ...problem, exitCode });
}

/** Whether `code` stands in the catalogue of this binary. */
export function isCode(code: string): code is Code {
  return Object.hasOwn(catalogue, code);
}

function exitOfStatus(status: number): number {
  return status === 401 || status === 403 ? 15 : 1;
}
