import type { PluginApi, PluginPackage } from "#plugin/api.ts";

import { licenseOf, parseExpression, renderExpression } from "./spdx.ts";

/** What goes into a bill, whatever its format. */
export type Bill = {
  landVersion: string;
  /** ISO 8601 without fractions; undefined where the bill shall be reproducible and no time is given. */
  time: string | undefined;
  /** Made from the content where the bill shall be reproducible, else random. A UUID. */
  id: string;
  name: string;
  version: string | undefined;
  license: License | undefined;
  /** Names of packages that the project asks for itself. */
  requirements: readonly string[];
  packages: readonly BilledPackage[];
};

/** A package of a bill. */
export type BilledPackage = {
  name: string;
  version: string;
  registry: string;
  /** Hex. */
  sha256: string;
  /** Package URL. */
  purl: string;
  description: string | undefined;
  homepage: string | undefined;
  license: License | undefined;
  dependencies: readonly string[];
};

/** As an expression of the SPDX list, or as the text that the manifest has instead. */
export type License = { kind: "expression" | "text"; text: string };

/** The bill of the project. @throws usage where SOURCE_DATE_EPOCH is no time, and where there is no project */
export async function readBill(land: PluginApi, reproducible: boolean): Promise<Bill> {
  const { manifest, requirements, packages } = await land.project();
  const missing = packages.filter((item) => item.manifest === undefined).length;
  if (missing > 0)
    land.warn(
      `Licenses of packages that are not installed are left out (${missing}); run \`land install\``,
    );
  const name = textOf(manifest["name"]) ?? "project";
  const version = textOf(manifest["version"]);
  const content = { name, version, packages: packages.map(billedOf) };
  return {
    landVersion: land.version,
    time: timeOf(land, reproducible),
    id: reproducible ? uuidOf(JSON.stringify(content)) : crypto.randomUUID(),
    license: readLicense(manifest),
    requirements: requirements.filter((one) => packages.some((item) => item.name === one)),
    ...content,
  };
}

function billedOf({
  name,
  version,
  registry,
  digest,
  dependencies,
  manifest,
}: PluginPackage): BilledPackage {
  const homepage = textOf(manifest?.["homepage"]);
  return {
    name,
    version,
    registry,
    sha256: digest.replace("sha256:", ""),
    purl: purlOf(name, version, registry),
    description: textOf(manifest?.["description"]),
    homepage: homepage !== undefined && URL.canParse(homepage) ? new URL(homepage).href : undefined,
    license: readLicense(manifest),
    dependencies,
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function readLicense(manifest: PluginPackage["manifest"]): License | undefined {
  const text = licenseOf(manifest);
  if (text === undefined) return undefined;
  const expression = parseExpression(text);
  return expression
    ? { kind: "expression", text: renderExpression(expression) }
    : { kind: "text", text };
}

/**
 * Packages of a registry of land are npm packages too, under `/npm/` of it.
 *
 * @see https://github.com/package-url/purl-spec
 */
function purlOf(name: string, version: string, registry: string): string {
  const path = name.split("/").map(encodeURIComponent).join("/");
  const repository = encodeURIComponent(`${registry}/npm/`)
    .replaceAll("%3A", ":")
    .replaceAll("%2F", "/");
  return `pkg:npm/${path}@${encodeURIComponent(version)}?repository_url=${repository}`;
}

/** @throws usage */
function timeOf({ env, now, error }: PluginApi, reproducible: boolean): string | undefined {
  const epoch = env["SOURCE_DATE_EPOCH"];
  if (epoch !== undefined && epoch !== "") {
    if (/^\d{1,11}$/.test(epoch)) return render(new Date(Number(epoch) * 1000));
    throw error("usage", {
      problem: `Cannot use "${epoch}" for SOURCE_DATE_EPOCH: it is no number of seconds`,
    });
  }
  return reproducible ? undefined : render(now());
}

function render(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, "Z");
}

/** A UUID of version 8 from the SHA-256 of a text. */
function uuidOf(text: string): string {
  const hex = new Bun.CryptoHasher("sha256").update(text).digest("hex");
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ].join("-");
}
