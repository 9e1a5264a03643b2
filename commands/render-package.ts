import { printable } from "#base/names.ts";
import type { Package, Version } from "#registry/model.ts";

import { renderBytes, renderTable, shorten, type Style } from "./render.ts";

/** How many versions are named before the rest is only counted. */
const VERSIONS_SHOWN = 20;

/** What a user asks about a package, on a screen: the newest version, then what holds for all. */
export function renderPackage(found: Package, style: Style): string {
  const latest = found.versions.find(({ version }) => version === found.tags["latest"]);
  const version = latest ?? found.versions[0];
  const rows = [
    ["homepage", found.homepage ?? ""],
    ["repository", found.repository ?? ""],
    ["keywords", found.keywords.join(", ")],
    ["owners", found.owners.join(", ")],
    ["downloads", found.downloads.toLocaleString("en-US")],
    [
      "tags",
      Object.entries(found.tags)
        .map((pair) => pair.join(" "))
        .join(", "),
    ],
    ...(version === undefined ? [] : versionRows(version)),
  ];
  return [
    headOf(found.name, version, style),
    ...textOf(found.description),
    "",
    renderRows(rows),
    ...(version === undefined ? [] : dependencyLines(version, style)),
    "",
    `${style.bold("versions")} (${found.versions.length}): ${listVersions(found.versions)}`,
  ].join("\n");
}

/** What a user asks about one version. */
export function renderVersion(version: Version, style: Style): string {
  return [
    headOf(version.name, version, style),
    ...textOf(version.description),
    "",
    renderRows(versionRows(version)),
    ...dependencyLines(version, style),
  ].join("\n");
}

function headOf(name: string, version: Version | undefined, style: Style): string {
  const title = version === undefined ? name : `${name} ${version.version}`;
  const marks = [
    version?.license ?? "no license",
    ...(version?.yanked === true ? ["yanked"] : []),
    ...(version?.deprecated ? [`deprecated: ${version.deprecated}`] : []),
  ];
  return `${style.bold(printable(title))}  ${printable(marks.join(", "))}`;
}

function textOf(description: string): string[] {
  return description === "" ? [] : [printable(description)];
}

function versionRows(version: Version): string[][] {
  const engines = Object.entries(version.engines).map((pair) => pair.join(" "));
  const by = version.publishedBy === null ? "" : ` by ${version.publishedBy}`;
  return [
    ["published", `${version.publishedAt.slice(0, 10)}${by}`],
    ["size", `${renderBytes(version.sizeBytes)}, unpacked ${renderBytes(version.unpackedBytes)}`],
    ["digest", version.digest],
    ["signed by", version.key ?? "nobody"],
    ["engines", engines.join(", ")],
    ["bin", Object.keys(version.bin).join(", ")],
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

function renderRows(rows: readonly (readonly string[])[]): string {
  const filled = rows.filter(([, value]) => value !== undefined && value !== "");
  return renderTable(filled.map(([key = "", value = ""]) => [key, shorten(value, 160)]));
}

function listVersions(versions: readonly Version[]): string {
  const shown = versions
    .slice(0, VERSIONS_SHOWN)
    .map(({ version, yanked }) => `${printable(version)}${yanked ? " (yanked)" : ""}`);
  const more = versions.length - shown.length;
  return more > 0 ? `${shown.join(", ")} and ${more} more` : shown.join(", ");
}
