import { fail } from "#base/errors.ts";

/** Where and with what git runs. */
export type Git = {
  /** Absolute. */
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  signal?: AbortSignal;
};

/** What a run of git left. */
export type GitAnswer = { code: number; text: string; problem: string };

/** How long it may take: a pipe in the place of one of its files would hold it for ever. */
const LIMIT_MS = 20_000;
/** The settings of a checkout name programs that git would run when it looks at files. */
const RUN_NOTHING = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"];

/** Runs git. Its exit code is the caller's to judge; undefined where there is no git. */
export async function runGit(git: Git, args: readonly string[]): Promise<GitAnswer | undefined> {
  const path = Bun.which("git", { PATH: git.env["PATH"] ?? "" });
  if (path === null) return undefined;
  const child = Bun.spawn([path, ...RUN_NOTHING, ...args], {
    cwd: git.cwd,
    env: { ...git.env, LC_ALL: "C", GIT_OPTIONAL_LOCKS: "0" },
    timeout: LIMIT_MS,
    killSignal: "SIGKILL",
    stdio: ["ignore", "pipe", "pipe"],
    ...(git.signal && { signal: git.signal }),
  });
  const [text, problem, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { code, text, problem: problem.trim() };
}

/** The same where git must be there and do it. @throws file_failed with what git said */
export async function requireGit(git: Git, args: readonly string[]): Promise<string> {
  const answer = await runGit(git, args);
  if (answer?.code === 0) return answer.text;
  throw fail("file_failed", {
    action: "run",
    path: `git ${args[0] ?? ""}`,
    problem: answer ? answer.problem || `it ended with ${answer.code}` : "there is no git here",
  });
}
