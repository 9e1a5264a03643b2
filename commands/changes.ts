import { printable } from "#base/names.ts";
import type {
  InstallResult,
  NamedVersion,
  RequirementChange,
  StayedBehind,
} from "#install/options.ts";

import { renderCount, type Style } from "./render.ts";

/** Lines on a terminal before the rest is only counted. */
const SHOWN = 40;

/**
 * One line per package that came (`+`), went (`-`) or is of another version now (`~`), what changed of the manifests beyond that,
 * what stayed behind its newest version, then the sum. Without `elapsedMs` nothing was written: it is a plan.
 */
export function renderChanges(
  result: InstallResult,
  elapsedMs: number | undefined,
  style: Style,
): string {
  const { added, removed, changed, unchanged, linked = [], manifest = [], behind = [] } = result;
  const all = [
    ...added.map((item) => style.green(`+ ${nameOf(item)}`)),
    ...removed.map((item) => style.red(`- ${nameOf(item)}`)),
    ...changed.map((item) => style.yellow(`~ ${nameOf(item)} (was ${printable(item.from)})`)),
    ...manifest.flatMap((change) => requirementLine(change, elapsedMs === undefined) ?? []),
  ];
  const lines = style.columns === undefined ? all : firstOf(all);
  const counts = [
    [added.length, "added"],
    [removed.length, "removed"],
    [changed.length, "changed"],
  ] as const;
  const parts = counts.flatMap(([count, verb]) => (count === 0 ? [] : [`${count} ${verb}`]));
  if (linked.length > 0) parts.push(`${renderCount(linked.length, "member")} linked`);
  const total = renderCount(added.length + changed.length + unchanged, "package");
  const sum = parts.length === 0 ? `${total}, up to date` : `${total}: ${parts.join(", ")}`;
  const end = elapsedMs === undefined ? "a dry run: nothing was written" : renderTime(elapsedMs);
  const stayed = behind.map((item) => style.yellow(behindLine(item)));
  return [...lines, ...stayed, `${sum} (${end})`].join("\n");
}

/** Whoever looks at a screen wants its end: the sum. */
function firstOf(lines: readonly string[]): readonly string[] {
  if (lines.length <= SHOWN) return lines;
  return [...lines.slice(0, SHOWN), `  and ${lines.length - SHOWN} more`];
}

function behindLine({ name, version, latest, reason }: StayedBehind): string {
  const [what, at, newest] = [name, version, latest].map(printable);
  return `! ${what} stays at ${at}, the newest is ${newest}: ${reason}`;
}

/** Where a package came or went, the manifest follows; a plan tells of it all the same. */
function requirementLine(
  { folder, kind, name, from, to }: RequirementChange,
  isPlan: boolean,
): string | undefined {
  if (!isPlan && (from === undefined || to === undefined)) return undefined;
  const place = folder === "." ? "manifest" : `manifest of ${printable(folder)}`;
  const group = kind === "dependencies" ? "" : ` (${kind})`;
  const [before, after] = [from, to].map((range) => printable(range ?? ""));
  const change =
    from === undefined ? `gets ${after}` : to === undefined ? "loses it" : `${before} → ${after}`;
  return `  ${place}: ${printable(name)} ${change}${group}`;
}

/** `40 ms`, `1.2 s`. */
function renderTime(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function nameOf({ name, version }: NamedVersion): string {
  return `${printable(name)} ${printable(version)}`;
}
