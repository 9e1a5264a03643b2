import type { Bill, BilledPackage, License } from "./sbom-model.ts";

/**
 * The bill as CycloneDX 1.6.
 *
 * @see https://cyclonedx.org/docs/1.6/json/
 */
export function renderCycloneDx(bill: Bill): object {
  const root = "project";
  const refs = new Map(bill.packages.map(({ name, purl }) => [name, purl]));
  const refsOf = (names: readonly string[]): string[] =>
    names.flatMap((name) => refs.get(name) ?? []);
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${bill.id}`,
    version: 1,
    metadata: {
      ...(bill.time !== undefined && { timestamp: bill.time }),
      tools: { components: [{ type: "application", name: "land", version: bill.landVersion }] },
      component: {
        type: "application",
        "bom-ref": root,
        ...namesOf(bill.name),
        ...(bill.version !== undefined && { version: bill.version }),
        ...licensesOf(bill.license),
      },
    },
    components: bill.packages.map(componentOf),
    dependencies: [
      { ref: root, dependsOn: refsOf(bill.requirements) },
      ...bill.packages.map(({ purl, dependencies }) => ({
        ref: purl,
        dependsOn: refsOf(dependencies),
      })),
    ],
  };
}

function componentOf(item: BilledPackage): object {
  const { name, version, registry, sha256, purl, description, homepage, license } = item;
  const download = `${registry}/api/v1/packages/${encodeURIComponent(name)}/${encodeURIComponent(version)}/download`;
  return {
    type: "library",
    "bom-ref": purl,
    ...namesOf(name),
    version,
    ...(description !== undefined && { description }),
    hashes: [{ alg: "SHA-256", content: sha256 }],
    ...licensesOf(license),
    purl,
    externalReferences: [
      { type: "distribution", url: download },
      ...(homepage === undefined ? [] : [{ type: "website", url: homepage }]),
    ],
  };
}

/** The scope is the group. */
function namesOf(full: string): { group?: string; name: string } {
  const [scope, name] = full.split("/");
  return name === undefined || scope === undefined ? { name: full } : { group: scope, name };
}

function licensesOf(license: License | undefined): { licenses?: object[] } {
  if (!license) return {};
  return license.kind === "expression"
    ? { licenses: [{ expression: license.text }] }
    : { licenses: [{ license: { name: license.text } }] };
}
