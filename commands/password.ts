import type { SignedIn } from "#accounts/model.ts";
import { fail } from "#base/errors.ts";

import { askSecret, askText, type Validate } from "./ask.ts";
import type { Args, Outcome } from "./command.ts";
import { type Connection, tokenOf } from "./connect.ts";
import type { Context } from "./context.ts";
import { readStdin } from "./stdin.ts";

/**
 * Keeps the token of an account that has just signed in.
 *
 * @throws credentials_invalid, file_failed, lock_busy
 */
export async function keepCredential(
  context: Context,
  { registry, credentials }: Connection,
  { user, token }: SignedIn,
): Promise<Outcome> {
  await credentials.write(registry, { user: user.name, token });
  const other = await tokenOf(context, registry);
  if (other?.from === "environment")
    context.warn("LAND_TOKEN is set, and goes before the credential that was kept");
  return { value: { user: user.name, registry } };
}

/** More than any password; a pipe without end must not fill the memory. */
const MAX_BYTES = 4096;

/** The flags by which an account is named. A password is never an argument: others on the machine can see those. */
export const accountArgs = {
  username: { type: "text", short: "u", value: "NAME", about: "Name of the account" },
  passwordStdin: { type: "boolean", about: "Read the password from stdin" },
} as const satisfies Args;

/**
 * The name of the account, from the flag or the user.
 *
 * @throws needs_flag, cancelled
 */
export async function settleUserName(
  context: Context,
  given: string | undefined,
  validate?: Validate,
): Promise<string> {
  if (given !== undefined) {
    validate?.(given);
    return given;
  }
  const question = { flag: "--username", what: "the user name", message: "User name" };
  return askText(context, { ...question, ...(validate && { validate }) });
}

/**
 * A password to be, from stdin once or from two hidden prompts until both say the same: nobody saw what was typed.
 *
 * @throws needs_flag, cancelled, usage where stdin holds none
 */
export async function settleNewPassword(context: Context, fromStdin: boolean): Promise<string> {
  if (fromStdin) return settlePassword(context, fromStdin);
  const ask = (message: string) => askSecret(context, { ...passwordQuestion, message });
  let password = await ask("Password");
  while ((await ask("The same again")) !== password) {
    context.warn("The two passwords differ");
    password = await ask("Password, anew");
  }
  return password;
}

/**
 * The password, from stdin or a hidden prompt.
 *
 * @throws needs_flag, cancelled, usage where stdin holds none
 */
export async function settlePassword(context: Context, fromStdin: boolean): Promise<string> {
  if (!fromStdin) return askSecret(context, passwordQuestion);
  const bytes = await readStdin(context, { what: "the password", maxBytes: MAX_BYTES });
  const password = new TextDecoder().decode(bytes).replace(/\r?\n$/, "");
  if (password !== "") return password;
  throw fail("usage", { problem: "Cannot go on: there is no password on stdin" });
}

const passwordQuestion = {
  flag: "--password-stdin and the password on stdin",
  what: "the password",
  message: "Password",
};
