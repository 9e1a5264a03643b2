import { toLandError } from "./errors.ts";

/** What `land doctor` found of one thing: `warn` works but costs or limits, `bad` keeps something from working. */
export type Check = {
  name: string;
  status: "ok" | "warn" | "bad";
  /** What was found, in a few words. */
  detail: string;
  /** What to do about it. */
  hint?: string;
};

/** Runs a check; what it throws is told as bad, with its hint. */
export async function runCheck(
  name: string,
  look: () => Promise<Omit<Check, "name">> | Omit<Check, "name">,
): Promise<Check> {
  try {
    return { name, ...(await look()) };
  } catch (thrown) {
    const { message, hint } = toLandError(thrown);
    return { name, status: "bad", detail: message, ...(hint && { hint }) };
  }
}
