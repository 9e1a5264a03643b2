import { printable } from "#base/names.ts";
import type { Dependent, Downloads, Package, Version } from "#registry/model.ts";

import {
  renderBytes,
  renderCount,
  renderNumber,
  renderTable,
  shorten,
  type Style,
} from "./render.ts";

/** How many versions are named before the rest is only counted. */
const VERSIONS_SHOWN = 8;
const BARS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/** What is told of a package beyond what its document holds; each may be missing. */
export type PackageExtras = {
  downloads?: Downloads | undefined;
  dependents?: readonly Dependent[] | undefined;
};

/** What a user asks about a package, on a screen: the newest version, then what holds for all. */
export function renderPackage(found: Package, extras: PackageExtras, style: Style): string {
  const latest = found.versions.find(({ version }) => version === found.tags["latest"]);
  const version = latest ?? found.versions[0];
  const tags = Object.entries(found.tags).map((pair) => pair.join(" "));
  const rows = [
    ["homepage", found.homepage ?? ""],
    ["repository", found.repository ?? ""],
    ["keywords", found.keywords.join(", ")],
    ["owners", found.owners.join(", ")],
    ["downloads", renderDownloads(found.downloads, extras.downloads)],
    ["tags", tags.join(", ")],
    ...(version === undefined ? [] : versionRows(version)),
    ["needed by", renderDependents(extras.dependents ?? [])],
  ];
  return [
    headOf(found.name, version, style),
    ...textOf(found.description),
    ...warningsOf(version, style),
    "",
    renderRows(rows, style),
    ...(version === undefined ? [] : dependencyLines(version, style)),
    "",
    `${style.bold("versions")} (${found.versions.length}): ${listVersions(found)}`,
    "",
    style.cyan(`land add ${printable(found.name)}`),
  ].join("\n");
}

/** What a user asks about one version. */
export function renderVersion(version: Version, style: Style): string {
  return [
    headOf(version.name, version, style),
    ...textOf(version.description),
    ...warningsOf(version, style),
    "",
    renderRows(versionRows(version), style),
    ...dependencyLines(version, style),
    "",
    style.cyan(`land add ${printable(version.name)}@${printable(version.version)}`),
  ].join("\n");
}

/** All versions, newest first: when, how large, by whom, and what is the matter with them. */
export function renderVersions({ versions, tags }: Package, style: Style): string {
  const rows = versions.map((item) => {
    const own = Object.entries(tags).flatMap(([tag, version]) =>
      version === item.version ? [tag] : [],
    );
    const marks = [
      style.green(shorten(own.join(", "), 30)),
      item.yanked ? style.red("yanked") : "",
      item.deprecated === null ? "" : style.yellow(`deprecated: ${shorten(item.deprecated, 40)}`),
      item.key === null ? style.dim("not signed") : "",
    ];
    return [
      style.bold(shorten(item.version, 40)),
      item.publishedAt.slice(0, 10),
      renderBytes(item.sizeBytes),
      shorten(item.publishedBy ?? "", 39),
      marks.filter((mark) => mark !== "").join(", "),
    ];
  });
  return renderTable(rows, [2]);
}

/** One bar a day, higher where there were more downloads; the days without any are the lowest. */
export function renderSparkline(counts: readonly number[]): string {
  const most = Math.max(1, ...counts);
  return counts
    .map((count) => BARS[count === 0 ? 0 : Math.max(1, Math.ceil((count / most) * 7))] ?? "")
    .join("");
}

function renderDownloads(total: number, series: Downloads | undefined): string {
  if (!series || series.total === 0) return renderNumber(total);
  const counts = series.days.map(({ count }) => count);
  return `${renderNumber(total)}  ${renderSparkline(counts)}  ${renderNumber(series.total)} in ${counts.length} days`;
}

function renderDependents(dependents: readonly Dependent[]): string {
  const shown = dependents.slice(0, 5).map(({ name }) => name);
  return dependents.length > shown.length ? `${shown.join(", ")} and others` : shown.join(", ");
}

function headOf(name: string, version: Version | undefined, style: Style): string {
  const title = version === undefined ? name : `${name} ${version.version}`;
  return `${style.bold(printable(title))}  ${printable(version?.license ?? "no license")}`;
}

function textOf(description: string): string[] {
  return description === "" ? [] : [printable(description)];
}

function warningsOf(version: Version | undefined, style: Style): string[] {
  if (!version) return [];
  return [
    ...(version.yanked ? [`${style.red("yanked")}: new installs do not pick it`] : []),
    ...(version.deprecated === null
      ? []
      : [`${style.yellow("deprecated")}: ${printable(version.deprecated)}`]),
  ];
}

function versionRows(version: Version): string[][] {
  const engines = Object.entries(version.engines).map((pair) => pair.join(" "));
  const needs = Object.keys(version.dependencies).length;
  const by = version.publishedBy === null ? "" : ` by ${version.publishedBy}`;
  return [
    ["published", `${version.publishedAt.slice(0, 10)}${by}`],
    ["size", `${renderBytes(version.sizeBytes)}, unpacked ${renderBytes(version.unpackedBytes)}`],
    // The label and the value fit into 80 columns so.
    ["sha256", version.digest.replace(/^sha256:/, "")],
    ["signed by", version.key ?? "nobody"],
    ["engines", engines.join(", ")],
    ["commands", Object.keys(version.bin).join(", ")],
    ["needs", needs === 0 ? "no package" : renderCount(needs, "package")],
  ];
}

function dependencyLines(version: Version, style: Style): string[] {
  const groups: [string, Version["dependencies"]][] = [
    ["dependencies", version.dependencies],
    ["optional dependencies", version.optionalDependencies],
    ["peer dependencies", version.peerDependencies],
  ];
  return groups.flatMap(([title, ranges]) => {
    const rows = Object.entries(ranges).map(([name, range]) => [
      `  ${printable(name)}`,
      printable(range),
    ]);
    return rows.length === 0 ? [] : ["", style.bold(title), renderTable(rows)];
  });
}

function renderRows(rows: readonly (readonly string[])[], style: Style): string {
  const filled = rows.filter(([, value]) => value !== undefined && value !== "");
  return renderTable(filled.map(([key = "", value = ""]) => [style.dim(key), shorten(value, 160)]));
}

function listVersions({ name, versions }: Package): string {
  const shown = versions
    .slice(0, VERSIONS_SHOWN)
    .map(({ version, yanked }) => `${printable(version)}${yanked ? " (yanked)" : ""}`);
  const more = versions.length - shown.length;
  return more > 0
    ? `${shown.join(", ")} and ${more} more: \`land info ${printable(name)} versions\``
    : shown.join(", ");
}
