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

/** Runs git. Its exit code is the caller's to judge; undefined where there is no git. */
export async function runGit(git: Git, args: readonly string[]): Promise<GitAnswer | undefined> {
  const path = Bun.which("git", { PATH: git.env["PATH"] ?? "" });
  if (path === null) return undefined;
  const child = Bun.spawn([path, ...args], {
    cwd: git.cwd,
    env: { ...git.env, LC_ALL: "C" },
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
