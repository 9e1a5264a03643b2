import { fail } from "#base/errors.ts";
import { createTurns } from "#base/turns.ts";

/** OWASP's argon2id: 19 MiB and two passes, about 30 ms of one core. */
const ARGON2 = { algorithm: "argon2id", memoryCost: 19_456, timeCost: 2 } as const;
/** Hashes under way at once, which bounds the memory to four times 19 MiB. */
const AT_ONCE = 4;
/** Hashes that may wait; past that, callers are sent away rather than kept for seconds. */
const MAX_WAITING = 256;
const MIN_CHARACTERS = 8;
const MAX_BYTES = 1024;

/** For the whole process, since its memory is what they share. */
const inTurn = createTurns(AT_ONCE, {
  max: MAX_WAITING,
  refuse: () => fail("rate_limited", { what: "sign-ins at once", retryAfterSeconds: 5 }),
});
let decoy: Promise<string> | undefined;

/** Refuses a password that nobody should choose for the account `name`. @throws invalid_input */
export function checkPassword(password: string, name: string): void {
  const problem =
    Array.from(password).length < MIN_CHARACTERS
      ? `use at least ${MIN_CHARACTERS} characters`
      : Buffer.byteLength(password) > MAX_BYTES
        ? `use at most ${MAX_BYTES} bytes`
        : password.toLowerCase() === name
          ? "use something else than the user name"
          : undefined;
  if (problem) throw fail("invalid_input", { field: "password", problem });
}

/** What is stored of a password. Only a few run at once. @throws rate_limited where too many wait */
export function hashPassword(password: string): Promise<string> {
  return inTurn("", () => Bun.password.hash(normal(password), ARGON2));
}

/**
 * Whether a password is the one of `hash`. Without a hash (no such account) it takes as long and is false, so the time does
 * not tell which names exist.
 *
 * @throws rate_limited where too many wait
 */
export async function verifyPassword(password: string, hash: string | undefined): Promise<boolean> {
  const usable = password !== "" && Buffer.byteLength(password) <= MAX_BYTES;
  decoy ??= Bun.password.hash(crypto.randomUUID(), ARGON2);
  const against = hash ?? (await decoy);
  const text = usable ? normal(password) : "\0";
  const same = await inTurn("", () => Bun.password.verify(text, against));
  return same && usable && hash !== undefined;
}

/** The same password typed on two systems may be composed differently. @see NIST SP 800-63B section 3.1.1.2 */
function normal(password: string): string {
  return password.normalize("NFKC");
}
