import { printable } from "#base/names.ts";

import { renderCount, type Style } from "./render.ts";

type Item = { name: string; version: string };
/** What an install did to the tree: `unchanged` counts packages. */
export type Changes = {
  added: readonly Item[];
  removed: readonly Item[];
  changed: readonly Item[];
  unchanged: number;
};

/** What `add`, `remove` and `install` answer with --json: these keys and no others. */
export function changesValue({ added, removed, changed, unchanged }: Changes): Changes {
  return { added: bare(added), removed: bare(removed), changed: bare(changed), unchanged };
}

function bare(items: readonly Item[]): Item[] {
  return items.map(({ name, version }) => ({ name, version }));
}

/** One line per package that came (`+`), went (`-`) or is of another version now (`~`), then the sum. */
export function renderChanges(changes: Changes, elapsedMs: number, style: Style): string {
  const { added, removed, changed, unchanged } = changes;
  const lines = [
    ...added.map((item) => style.green(`+ ${nameOf(item)}`)),
    ...removed.map((item) => style.red(`- ${nameOf(item)}`)),
    ...changed.map((item) => style.yellow(`~ ${nameOf(item)}`)),
  ];
  const counts = [
    [added.length, "added"],
    [removed.length, "removed"],
    [changed.length, "changed"],
  ] as const;
  const parts = counts.flatMap(([count, verb]) => (count === 0 ? [] : [`${count} ${verb}`]));
  const total = renderCount(added.length + changed.length + unchanged, "package");
  const sum = parts.length === 0 ? `${total}, nothing to do` : `${total}: ${parts.join(", ")}`;
  return [...lines, `${sum} (${renderTime(elapsedMs)})`].join("\n");
}

/** `40 ms`, `1.2 s`. */
function renderTime(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function nameOf({ name, version }: Item): string {
  return `${printable(name)} ${printable(version)}`;
}
