import type { Bill, BilledPackage, License } from "./sbom-model.ts";

const DOCUMENT = "SPDXRef-DOCUMENT";
const PROJECT = "SPDXRef-Project";
const NONE = "NOASSERTION";
/** The format needs a time. */
const NO_TIME = "1970-01-01T00:00:00Z";

/**
 * The bill as SPDX 2.3.
 *
 * @see https://spdx.github.io/spdx-spec/v2.3/
 */
export function renderSpdx(bill: Bill): object {
  const ids = new Map(bill.packages.map((item) => [item.name, idOf(item)]));
  const needs = (from: string, names: readonly string[]): object[] =>
    names.flatMap((name) => {
      const to = ids.get(name);
      return to === undefined ? [] : [relationship(from, "DEPENDS_ON", to)];
    });
  const extracted = extractedOf([bill.license, ...bill.packages.map(({ license }) => license)]);
  return {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: DOCUMENT,
    name: bill.version === undefined ? bill.name : `${bill.name}@${bill.version}`,
    documentNamespace: `urn:uuid:${bill.id}`,
    creationInfo: { created: bill.time ?? NO_TIME, creators: [`Tool: land-${bill.landVersion}`] },
    documentDescribes: [PROJECT],
    packages: [
      {
        SPDXID: PROJECT,
        name: bill.name,
        ...(bill.version !== undefined && { versionInfo: bill.version }),
        downloadLocation: NONE,
        filesAnalyzed: false,
        licenseConcluded: NONE,
        licenseDeclared: licenseOf(bill.license),
        copyrightText: NONE,
        primaryPackagePurpose: "APPLICATION",
      },
      ...bill.packages.map(packageOf),
    ],
    relationships: [
      relationship(DOCUMENT, "DESCRIBES", PROJECT),
      ...needs(PROJECT, bill.requirements),
      ...bill.packages.flatMap((item) => needs(idOf(item), item.dependencies)),
    ],
    ...(extracted.length > 0 && { hasExtractedLicensingInfos: extracted }),
  };
}

function packageOf(item: BilledPackage): object {
  const { name, version, registry, sha256, purl, description, homepage, license } = item;
  return {
    SPDXID: idOf(item),
    name,
    versionInfo: version,
    ...(description !== undefined && { description }),
    ...(homepage !== undefined && { homepage }),
    downloadLocation: `${registry}/api/v1/packages/${encodeURIComponent(name)}/${encodeURIComponent(version)}/download`,
    filesAnalyzed: false,
    checksums: [{ algorithm: "SHA256", checksumValue: sha256 }],
    licenseConcluded: NONE,
    licenseDeclared: licenseOf(license),
    copyrightText: NONE,
    primaryPackagePurpose: "LIBRARY",
    externalRefs: [
      { referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: purl },
    ],
  };
}

/** Letters, digits, `.` and `-` alone are allowed; the checksum keeps two names apart that become one by that. */
function idOf({ name, version, sha256 }: BilledPackage): string {
  return `SPDXRef-Package-${clean(`${name}-${version}`)}-${sha256.slice(0, 8)}`;
}

function clean(text: string): string {
  return text.replace(/[^A-Za-z0-9.]+/g, "-").replace(/^-/, "");
}

function relationship(from: string, kind: string, to: string): object {
  return { spdxElementId: from, relationshipType: kind, relatedSpdxElement: to };
}

function licenseOf(license: License | undefined): string {
  if (!license) return NONE;
  return license.kind === "expression" ? license.text : referenceOf(license.text);
}

function referenceOf(text: string): string {
  const hash = new Bun.CryptoHasher("sha256").update(text).digest("hex").slice(0, 12);
  return `LicenseRef-${hash}`;
}

/** Every reference that the bill uses, with what is known of it. */
function extractedOf(licenses: readonly (License | undefined)[]): object[] {
  const known = new Map<string, string>();
  for (const license of licenses) {
    if (license?.kind === "text") known.set(referenceOf(license.text), license.text);
    else
      for (const [reference] of license?.text.matchAll(/LicenseRef-[A-Za-z0-9.-]+/g) ?? [])
        known.set(reference, "The package holds the text of this license");
  }
  return [...known].map(([licenseId, extractedText]) => ({ licenseId, extractedText }));
}
