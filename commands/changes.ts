import { printable } from "#base/names.ts";
import type { InstallResult, NamedVersion } from "#install/options.ts";

import { renderCount, type Style } from "./render.ts";

/** One line per package that came (`+`), went (`-`) or is of another version now (`~`), then the sum. */
export function renderChanges(result: InstallResult, elapsedMs: number, style: Style): string {
  const { added, removed, changed, unchanged } = result;
  const lines = [
    ...added.map((item) => style.green(`+ ${nameOf(item)}`)),
    ...removed.map((item) => style.red(`- ${nameOf(item)}`)),
    ...changed.map((item) => style.yellow(`~ ${nameOf(item)} (was ${printable(item.from)})`)),
  ];
  const counts = [
    [added.length, "added"],
    [removed.length, "removed"],
    [changed.length, "changed"],
  ] as const;
  const parts = counts.flatMap(([count, verb]) => (count === 0 ? [] : [`${count} ${verb}`]));
  const total = renderCount(added.length + changed.length + unchanged, "package");
  const sum = parts.length === 0 ? `${total}, up to date` : `${total}: ${parts.join(", ")}`;
  return [...lines, `${sum} (${renderTime(elapsedMs)})`].join("\n");
}

/** `40 ms`, `1.2 s`. */
function renderTime(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function nameOf({ name, version }: NamedVersion): string {
  return `${printable(name)} ${printable(version)}`;
}
