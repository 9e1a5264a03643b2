import { type Static, type TSchema, Type } from "@sinclair/typebox";

import { pageOf } from "#http/page.ts";

/** Shapes of the registry API. The only file of this feature that the client may see. */

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Ranges = Type.Record(Type.String(), Type.String());
const Time = Type.String({ format: "date-time" });

/** One published version. Everything but yanked and deprecated is a function of the archive, its signature and its publish. */
export const Version = Type.Object({
  name: Type.String(),
  version: Type.String(),
  description: Type.String(),
  license: nullable(Type.String()),
  /** `sha256:<hex>` of the packed archive. */
  digest: Type.String(),
  /** npm's SRI, `sha512-<base64>`. */
  integrity: Type.String(),
  /** Lower case hex. */
  blake3: Type.String(),
  sizeBytes: Type.Integer(),
  unpackedBytes: Type.Integer(),
  dependencies: Ranges,
  optionalDependencies: Ranges,
  peerDependencies: Ranges,
  engines: Ranges,
  bin: Ranges,
  /** `ed25519:…` of the signer, or null where the version is not signed. */
  key: nullable(Type.String()),
  sig: nullable(Type.String()),
  yanked: Type.Boolean(),
  /** The message of a deprecation, or null. */
  deprecated: nullable(Type.String()),
  publishedAt: Time,
  publishedBy: nullable(Type.String()),
});
export type Version = Static<typeof Version>;

/** One line of `GET /index/:name`, oldest version first. Clients ignore keys they do not know. */
export const IndexLine = Type.Object({
  v: Type.String(),
  deps: Ranges,
  opt: Ranges,
  engines: Ranges,
  bin: Ranges,
  digest: Type.String(),
  /** Packed bytes. */
  size: Type.Integer(),
  key: nullable(Type.String()),
  sig: nullable(Type.String()),
  yanked: Type.Boolean(),
  /** The message of a deprecation; absent where there is none. */
  deprecated: Type.Optional(Type.String()),
  at: Time,
});
export type IndexLine = Static<typeof IndexLine>;

/** Packages whose indexes are asked for at once. */
export const IndexesBody = Type.Object({
  /** By name: the range that is wanted, for `follow`, and the ETag of the index that is known. */
  packages: Type.Record(
    Type.String({ maxLength: 200 }),
    Type.Object({
      range: Type.Optional(Type.String({ maxLength: 1000 })),
      etag: Type.Optional(Type.String({ maxLength: 100 })),
    }),
    { maxProperties: 5000 },
  ),
  /** Tell also of what the newest versions within the ranges need, and so on. */
  follow: Type.Optional(Type.Boolean()),
});
export type IndexesBody = Static<typeof IndexesBody>;

/** Archives that are asked for at once, by their addresses. */
export const ArchivesBody = Type.Object({
  digests: Type.Array(Type.String({ maxLength: 71 }), { maxItems: 1000 }),
});
export type ArchivesBody = Static<typeof ArchivesBody>;

/** A package with all its versions, newest first by precedence. */
export const Package = Type.Object({
  name: Type.String(),
  description: Type.String(),
  keywords: Type.Array(Type.String()),
  license: nullable(Type.String()),
  repository: nullable(Type.String()),
  homepage: nullable(Type.String()),
  /** Tag → version; `latest` is there unless every version is yanked. */
  tags: Type.Record(Type.String(), Type.String()),
  owners: Type.Array(Type.String()),
  versions: Type.Array(Version),
  /** Downloads of all versions since the first publish. */
  downloads: Type.Integer(),
  createdAt: Time,
  updatedAt: Time,
});
export type Package = Static<typeof Package>;

/** One hit of a search or one row of a list. `version` is the one under `latest`. */
export const PackageSummary = Type.Object({
  name: Type.String(),
  version: nullable(Type.String()),
  description: Type.String(),
  keywords: Type.Array(Type.String()),
  downloads: Type.Integer(),
  updatedAt: Time,
});
export type PackageSummary = Static<typeof PackageSummary>;

/** Answer of a search and of lists of packages. */
export const PackagePage = pageOf(PackageSummary);
export type PackagePage = Static<typeof PackagePage>;

/** A package that depends on another, by its latest version. */
export const Dependent = Type.Object({
  name: Type.String(),
  version: nullable(Type.String()),
  range: Type.String(),
  kind: Type.Union([Type.Literal("normal"), Type.Literal("optional"), Type.Literal("peer")]),
});
export type Dependent = Static<typeof Dependent>;
/** Answer of `GET /packages/:name/dependents`. */
export const DependentPage = pageOf(Dependent);
export type DependentPage = Static<typeof DependentPage>;

/** Downloads per UTC day, oldest first, days without any included. */
export const Downloads = Type.Object({
  total: Type.Integer(),
  days: Type.Array(Type.Object({ day: Type.String(), count: Type.Integer() })),
});
export type Downloads = Static<typeof Downloads>;

/** `q` is any text: only its first 256 characters count. */
export const PackageQuery = Type.Object({
  q: Type.Optional(
    Type.String({ description: "Words to search for; the last may be a beginning" }),
  ),
  sort: Type.Optional(
    Type.Union([
      Type.Literal("relevance"),
      Type.Literal("downloads"),
      Type.Literal("updated"),
      Type.Literal("name"),
    ]),
  ),
  limit: Type.Optional(Type.String({ description: "How many items, 1 to 100; 20 by default" })),
  cursor: Type.Optional(Type.String({ description: "The `next` of the page before" })),
});
export type PackageQuery = Static<typeof PackageQuery>;

/** A name of a version that moves. */
export const TagEntry = Type.Object({ tag: Type.String(), version: Type.String() });
export type TagEntry = Static<typeof TagEntry>;
/** Answer of `GET /packages/:name/tags`. */
export const TagPage = pageOf(TagEntry);
export type TagPage = Static<typeof TagPage>;
/** Body of `PUT /packages/:name/tags/:tag`. */
export const TagBody = Type.Object({ version: Type.String({ maxLength: 128 }) });
export type TagBody = Static<typeof TagBody>;

/** Somebody who may do everything with a package. */
export const Owner = Type.Object({ user: Type.String() });
export type Owner = Static<typeof Owner>;
/** Answer of `GET /packages/:name/owners`. */
export const OwnerPage = pageOf(Owner);
export type OwnerPage = Static<typeof OwnerPage>;

/** Body of `PUT /packages/:name/deprecation`; an empty message takes it back. */
export const DeprecationBody = Type.Object({
  range: Type.String({ maxLength: 256 }),
  /** "" takes the warning back. */
  message: Type.String({ maxLength: 1024 }),
});
export type DeprecationBody = Static<typeof DeprecationBody>;

/** Query of `GET /packages/:name/downloads`. */
export const DownloadsQuery = Type.Object({
  days: Type.Optional(Type.String({ description: "How many days, 1 to 365; 30 by default" })),
});
