import type { Manifest, ManifestFile } from "./manifest.ts";
import type { Project } from "./project.ts";

/** The text of both manifests of an archive: as they stand, and the missing one made from the other. */
export function manifestTexts(project: Project): { [file in ManifestFile]: string } {
  const made = makeManifest(project.manifest);
  return {
    "land.json": project.texts["land.json"] ?? made,
    "package.json": project.texts["package.json"] ?? made,
  };
}

/** What a package says of itself to those who install it. Both files have these fields under the same names. */
function makeManifest(manifest: Manifest): string {
  const { name, version, description, license, repository, homepage, main, raw } = manifest;
  const { keywords, categories, authors, bin } = manifest;
  const { dependencies, optionalDependencies, peerDependencies, engines } = manifest;
  const [author, ...contributors] = authors;
  const people =
    manifest.file === "land.json" ? { author, contributors } : { authors: [...authors] };
  const fields = {
    name,
    version,
    description,
    license,
    repository,
    homepage,
    keywords,
    categories,
    ...people,
    type: raw["type"],
    main,
    types: raw["types"],
    exports: raw["exports"],
    bin,
    dependencies,
    optionalDependencies,
    peerDependencies,
    peerDependenciesMeta: raw["peerDependenciesMeta"],
    engines,
  };
  const filled = Object.entries(fields).filter(([, value]) => !isEmpty(value));
  return `${JSON.stringify(Object.fromEntries(filled), null, 2)}\n`;
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
