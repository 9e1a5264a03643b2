/**
 * `src/ui` is `land ui`: pages on a loopback port that show what the client knows and do what its commands do.
 * `commands/ui.ts` calls it. It must never run what a page sends: a form names an act, and the act is made of commands here.
 */

/** What a command left: the value it prints with --json, or the problem it ended with. */
export type Told =
  | {
      ok: true;
      value: unknown;
      /** Whether it ended with 0: else the value tells of something bad, as a verification may. */
      isGood: boolean;
      warnings: readonly string[];
    }
  | { ok: false; problem: UiProblem; warnings: readonly string[] };

/** Why a command failed, as `land` words it. */
export type UiProblem = { code: string; detail: string; hint?: string };

/** A step of a command, in words. */
export type UiStep = {
  text: string;
  /** How much is done, 0 to 1; absent where nobody knows. */
  share?: number;
  /** Whether it is something that was finished, and stays. */
  isItem: boolean;
};

/** Runs a command of land as if it had been typed. */
export type Invoke = (
  argv: readonly string[],
  about: {
    /** The working folder, absolute. */
    cwd: string;
    signal: AbortSignal;
    onStep?: (step: UiStep) => void;
  },
) => Promise<Told>;

/** A project that is known here. */
export type UiProject = { dir: string; lastUsedAt: string };

/** A registry, and who is signed in there. */
export type UiAccount = { registry: string; user: string | undefined; isDefault: boolean };

/** What the pages are made from. */
export type UiOptions = {
  version: string;
  /** Where the client keeps what is its own. */
  landHome: string;
  invoke: Invoke;
  /** The projects that were installed, last used first. */
  projects: () => Promise<readonly UiProject[]>;
  /** Forgets a project whose folder is gone. */
  forget: (dir: string) => Promise<void>;
  /** The registries that are trusted or that there is an account at, the default one first. */
  accounts: () => Promise<readonly UiAccount[]>;
  /** 0 picks a free one. */
  port: number;
  /** Whose process this is: nobody else is let in, where the system tells who asks. undefined: no such check. */
  uid: number | undefined;
  now: () => Date;
  random: (bytes: number) => Uint8Array;
};

/** Pages that are served. */
export type RunningUi = {
  /** Where to begin: the address holds a secret that counts once. */
  url: string;
  port: number;
  /** Resolves when a page asked for the end. */
  ended: Promise<void>;
  /** Cancels what runs, waits for its end, and closes the port. */
  stop: () => Promise<void>;
};
