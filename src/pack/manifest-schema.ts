const text = (description: string) => ({ type: "string", description });
const texts = (description: string) => ({ type: "array", items: { type: "string" }, description });
const ranges = (description: string) => ({
  type: "object",
  additionalProperties: { type: "string" },
  description,
});
/** A package name, as `parsePackageName` takes it. */
const NAME = "^(?:@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*$";

/**
 * The JSON Schema of land.json, for editors. It completes and marks what is plainly wrong; `parseManifest` decides.
 *
 * @see https://json-schema.org/draft/2020-12
 */
export const MANIFEST_SCHEMA = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "land.json",
  type: "object",
  properties: {
    $schema: text("Address of this schema"),
    name: {
      type: "string",
      pattern: NAME,
      maxLength: 64,
      description: "Name in the registry, `greet` or `@ada/greet`",
    },
    version: text("SemVer 2.0.0 without build metadata"),
    description: text("One sentence, shown in lists"),
    license: text("SPDX expression"),
    repository: text("Address of the source"),
    homepage: text("Address for people"),
    keywords: texts("Words that a search finds"),
    categories: texts("Shelves it stands on"),
    authors: texts("Ada <ada@example.com>"),
    main: text("File that an import of the package gives"),
    bin: ranges("Commands: name to file"),
    files: texts("What goes into the archive; all that is not ignored where this is not given"),
    dependencies: ranges("What it needs: name to range"),
    devDependencies: ranges("What only working on it needs"),
    optionalDependencies: ranges("What it uses where it can be had"),
    peerDependencies: ranges("What its user must have"),
    overrides: ranges(
      "Ranges that replace every other: `name`, `parent>name`, `parent@range>name`",
    ),
    engines: ranges("Programs it runs on: name to range"),
    workspaces: texts("Globs of member folders"),
    private: { type: "boolean", description: "Keeps `land publish` from publishing it" },
    installDir: text("Folder that dependencies are installed into"),
    config: {
      type: "object",
      description:
        "Settings of land for all who work on the project: of network and storage, and of security what is stricter than the user has it",
      properties: {
        network: { type: "object", description: "Such as concurrency, tries, idleSeconds" },
        storage: { type: "object", description: "link: auto, reflink, hardlink or copy" },
        security: {
          type: "object",
          description: "requireSignatures, checksum, minimumAge (days: 7d)",
        },
      },
    },
    site: {
      type: "object",
      description: "What `land deploy` puts online",
      properties: {
        name: text("Name of the site"),
        dir: text("Folder of its files"),
        main: text("File of its program; main.ts, or main.js, where this is not given"),
        routes: {
          type: "array",
          items: { type: "string", pattern: "^/" },
          maxItems: 100,
          description:
            "Paths that the program answers before files do, such as /api/*; elsewhere it answers what no file does",
        },
        crons: {
          type: "array",
          items: {
            anyOf: [
              text("Five fields, in UTC: 0 4 * * *"),
              {
                type: "object",
                required: ["cron"],
                additionalProperties: false,
                properties: {
                  cron: text("Five fields: 0 4 * * *"),
                  timeZone: text("IANA name, such as Europe/Berlin"),
                },
              },
            ],
          },
          description: "When the program is called by the clock",
        },
        database: {
          type: "boolean",
          description:
            "Whether the program has env.DB; where its code names DB, if this is not given",
        },
      },
    },
  },
} as const;
