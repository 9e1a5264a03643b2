import { fail, LandError } from "#base/errors.ts";

import type { Context } from "./context.ts";

type Prompts = typeof import("@clack/prompts");
/** What is asked for, and the flag that says it where nobody can be asked. */
export type Question = {
  flag: string;
  /** Completes `Cannot ask for …`. */
  what: string;
  message: string;
};
/** Refuses a text by throwing a LandError, whose message the user sees while still typing. */
export type Validate = (text: string) => unknown;

/**
 * Asks for a line of text.
 *
 * @throws needs_flag without a terminal, cancelled at Ctrl-C
 */
export async function askText(
  context: Context,
  question: Question & { initial?: string; validate?: Validate },
): Promise<string> {
  const { initial, validate } = question;
  return ask<string>(context, question, ({ text }, common) =>
    text({
      ...common,
      ...(initial !== undefined && { initialValue: initial }),
      validate: (value) => problemWith(validate, value ?? ""),
    }),
  );
}

/**
 * Asks for a secret without showing it.
 *
 * @throws needs_flag without a terminal, cancelled at Ctrl-C
 */
export async function askSecret(context: Context, question: Question): Promise<string> {
  return ask<string>(context, question, ({ password }, common) =>
    password({ ...common, validate: (value) => (value ? undefined : "Type at least one letter") }),
  );
}

/**
 * Asks whether to go on. `--yes` answers yes; a no is `cancelled`.
 *
 * @throws needs_flag without a terminal, cancelled at no or Ctrl-C
 */
export async function askToGoOn(
  context: Context,
  question: Omit<Question, "flag"> & { initial?: boolean },
): Promise<void> {
  if (!(await askYesOrNo(context, question))) throw fail("cancelled", {});
}

/**
 * Asks a question with two answers. `--yes` answers yes.
 *
 * @throws needs_flag without a terminal, cancelled at Ctrl-C
 */
export async function askYesOrNo(
  context: Context,
  question: Omit<Question, "flag"> & { initial?: boolean },
): Promise<boolean> {
  if (context.globals.yes) return true;
  return ask<boolean>(context, { ...question, flag: "--yes" }, ({ confirm }, common) =>
    confirm({ ...common, initialValue: question.initial ?? true }),
  );
}

/**
 * Asks for one of several; the first is the suggestion.
 *
 * @throws needs_flag without a terminal, cancelled at Ctrl-C
 */
export async function askChoice(
  context: Context,
  question: Question & { options: readonly { value: string; label: string }[] },
): Promise<string> {
  const options = [...question.options];
  return ask<string>(context, question, ({ select }, common) => select({ ...common, options }));
}

/**
 * Asks for any number of texts, in groups with a heading each; empty groups are left out. At least one must be chosen.
 *
 * @throws needs_flag without a terminal, cancelled at Ctrl-C
 */
export async function askMany(
  context: Context,
  question: Question & {
    groups: Readonly<Record<string, readonly { value: string; label: string; hint?: string }[]>>;
    initial: readonly string[];
  },
): Promise<string[]> {
  const { groups, initial } = question;
  const filled = Object.entries(groups).filter(([, options]) => options.length > 0);
  const options = Object.fromEntries(filled.map(([title, items]) => [title, [...items]]));
  return ask<string[]>(context, question, ({ groupMultiselect }, common) =>
    groupMultiselect({ ...common, options, initialValues: [...initial], groupSpacing: 1 }),
  );
}

type Common = {
  message: string;
  input: Context["world"]["stdin"];
  output: Context["world"]["stdout"];
  signal: AbortSignal;
};

/** clack waits for ever on an input that is no terminal, so it is loaded only where someone can answer. */
async function ask<T>(
  context: Context,
  question: Question,
  prompt: (prompts: Prompts, common: Common) => Promise<T | symbol>,
): Promise<T> {
  const { flag, what, message } = question;
  if (!context.interactive) throw fail("needs_flag", { flag, what });
  const prompts = await import("@clack/prompts");
  const { stdin: input, stdout: output } = context.world;
  // clack listens to its signal for good, and would write to the screen at a Ctrl-C long after the answer.
  const asking = new AbortController();
  const abort = (): void => asking.abort();
  context.signal.addEventListener("abort", abort);
  try {
    const answer = await prompt(prompts, { message, input, output, signal: asking.signal });
    if (typeof answer === "symbol") throw fail("cancelled", {});
    return answer;
  } finally {
    context.signal.removeEventListener("abort", abort);
  }
}

function problemWith(validate: Validate | undefined, value: string): string | undefined {
  try {
    validate?.(value);
    return undefined;
  } catch (error) {
    if (error instanceof LandError) return error.message;
    throw error;
  }
}
