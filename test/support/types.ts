import { join } from "node:path";

/** What the type checker says of a project with a tsconfig.json; "" where all is right. */
export async function typeProblems(dir: string): Promise<string> {
  const tsc = join(import.meta.dir, "../../node_modules/.bin/tsc");
  const checked = Bun.spawn([process.execPath, tsc, "--noEmit", "-p", dir], {
    stdout: "pipe",
    env: { ...process.env, NO_COLOR: "1" },
  });
  return (await new Response(checked.stdout).text()).trim();
}
