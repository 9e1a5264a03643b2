/**
 * `src/ui` is `land ui`: pages on a loopback port that show what the client knows and do what its commands do.
 * `commands/ui.ts` calls it. It must never run what a page sends: a form names an act, and the act is made of commands here.
 */

/** What a command left: the value it prints with --json, or the problem it ended with. */
export type Told = { ok: true; value: unknown } | { ok: false; problem: UiProblem };

/** Why a command failed, as `land` words it. */
export type UiProblem = { code: string; detail: string; hint?: string };

/** Runs a command of land as if it had been typed. */
export type Invoke = (
  argv: readonly string[],
  about: {
    /** The working folder, absolute. */
    cwd: string;
    signal: AbortSignal;
    /** Told of each step of its progress, in words. */
    onStep?: (step: string) => void;
  },
) => Promise<Told>;

/** A project that is known here. */
export type UiProject = { dir: string; lastUsedAt: string };

/** What the pages are made from. */
export type UiOptions = {
  version: string;
  /** Where the client keeps what is its own. */
  landHome: string;
  invoke: Invoke;
  /** The projects that were installed, last used first. */
  projects: () => Promise<readonly UiProject[]>;
  /** The registries that there is an account at, and the default one. */
  accounts: () => Promise<
    readonly { registry: string; user: string | undefined; isDefault: boolean }[]
  >;
  /** 0 picks a free one. */
  port: number;
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
  stop: () => Promise<void>;
};
