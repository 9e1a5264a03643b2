import type { Shown } from "./load.ts";

/** Paths of a deploy that are remembered, and how long they may be. */
const MAX_OTHERS = 64;
const MAX_OTHER_CHARS = 100;

/** Remembers that nothing but the program answers a path. Rules may look at more than the path. */
export function keepForProgram({ rules, others }: Shown, path: string): void {
  if (!others || rules.rules.redirects.size > 0 || path.length > MAX_OTHER_CHARS) return;
  if (others.size >= MAX_OTHERS) others.clear();
  others.add(path);
}
