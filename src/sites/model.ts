import { type Static, type TSchema, Type } from "@sinclair/typebox";

import { pageOf } from "#http/page.ts";

/** Shapes of the sites API. The only file of this feature that the client may see. */

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = Type.String({ format: "date-time" });
const Sha256 = Type.String({ pattern: "^[0-9a-f]{64}$", description: "Lower case hex SHA-256" });

/** What a member may: viewers look, developers deploy and set up, owners do everything. */
export const Role = Type.Union([
  Type.Literal("owner"),
  Type.Literal("developer"),
  Type.Literal("viewer"),
]);
export type Role = Static<typeof Role>;

/** Who may look at a site: everybody, who knows its password, or who has an account on the server. */
export const Protection = Type.Union([
  Type.Literal("none"),
  Type.Literal("password"),
  Type.Literal("members"),
]);
export type Protection = Static<typeof Protection>;

/** When a program is run by the clock: five fields, and an IANA time zone. */
export const Cron = Type.Object({
  cron: Type.String({ maxLength: 100 }),
  timeZone: Type.String({ maxLength: 64 }),
});
export type Cron = Static<typeof Cron>;

/** The program of a deploy as it is told. */
export const Program = Type.Object({
  name: Type.String(),
  sizeBytes: Type.Integer(),
  /** Patterns of paths that it answers before files do. */
  routes: Type.Array(Type.String()),
  crons: Type.Array(Cron),
});
export type Program = Static<typeof Program>;

/** A deploy. `url` is its own address, for ever. */
export const Deploy = Type.Object({
  id: Type.String(),
  site: Type.String(),
  state: Type.Union([Type.Literal("uploading"), Type.Literal("ready")]),
  /** Whether visitors of the site get it now. */
  live: Type.Boolean(),
  draft: Type.Boolean(),
  message: Type.String(),
  source: Type.Union([Type.Literal("api"), Type.Literal("archive"), Type.Literal("browser")]),
  files: Type.Integer(),
  sizeBytes: Type.Integer(),
  /** What answers where no file does; null: nothing. */
  program: nullable(Program),
  /** Lines of `_redirects` and `_headers` that are not obeyed, each with its reason. */
  warnings: Type.Array(Type.String()),
  url: Type.String(),
  createdAt: Time,
  /** Who made it; null: an account that is gone. */
  createdBy: nullable(Type.String()),
  /** The name of the deploy key that made it, or null. */
  key: nullable(Type.String()),
  finishedAt: nullable(Time),
  /** When it first went live. */
  releasedAt: nullable(Time),
});
export type Deploy = Static<typeof Deploy>;
/** A page of deploys, newest first. */
export const DeployPage = pageOf(Deploy);
export type DeployPage = Static<typeof DeployPage>;

/** A site as its members see it. */
export const Site = Type.Object({
  name: Type.String(),
  url: Type.String(),
  /** The role of the asking account. */
  role: Role,
  protection: Protection,
  maintenance: Type.Boolean(),
  /** Whether deploy keys may add or change a program. */
  keyPrograms: Type.Boolean(),
  live: nullable(Deploy),
  /** Verified custom domains. */
  domains: Type.Array(Type.String()),
  usedBytes: Type.Integer(),
  quotaBytes: Type.Integer(),
  quotaFiles: Type.Integer(),
  requestsPerMinute: Type.Integer(),
  createdAt: Time,
  updatedAt: Time,
});
export type Site = Static<typeof Site>;
/** A page of sites, by name. */
export const SitePage = pageOf(Site);
export type SitePage = Static<typeof SitePage>;

/** A site to make. */
export const SiteBody = Type.Object({ name: Type.String({ maxLength: 64 }) });
export type SiteBody = Static<typeof SiteBody>;

/**
 * Settings to change; what is not named stays. `password` sets one and protects the site with it. Only admins set quotas
 * (null: what the server allows).
 */
export const SiteChanges = Type.Object({
  protection: Type.Optional(Protection),
  password: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
  maintenance: Type.Optional(Type.Boolean()),
  keyPrograms: Type.Optional(Type.Boolean()),
  quotaBytes: Type.Optional(nullable(Type.Integer({ minimum: 0 }))),
  quotaFiles: Type.Optional(nullable(Type.Integer({ minimum: 0 }))),
  requestsPerMinute: Type.Optional(nullable(Type.Integer({ minimum: 0 }))),
});
export type SiteChanges = Static<typeof SiteChanges>;

/** An account and its role on a site. */
export const Member = Type.Object({ user: Type.String(), role: Role, addedAt: Time });
export type Member = Static<typeof Member>;
/** A page of members, by name. */
export const MemberPage = pageOf(Member);
/** The role to give. */
export const MemberBody = Type.Object({ role: Role });
export type MemberBody = Static<typeof MemberBody>;

/** Path → what it holds. Paths have no leading slash and `/` between folders. */
export const FileList = Type.Record(
  Type.String(),
  Type.Object({ sha256: Sha256, size: Type.Integer({ minimum: 0 }) }),
);
export type FileList = Static<typeof FileList>;

/** A program to deploy: one finished file. */
export const ProgramBody = Type.Object({
  main: Type.Object({
    sha256: Sha256,
    size: Type.Integer({ minimum: 0 }),
    /** Its source map (version 3). */
    map: Type.Optional(Type.Object({ sha256: Sha256, size: Type.Integer({ minimum: 0 }) })),
    /** What its author calls it, for errors: `main.ts`. */
    name: Type.Optional(Type.String({ maxLength: 200 })),
    /** `ts`: types are stripped before it runs. By default `js`. */
    language: Type.Optional(Type.Union([Type.Literal("js"), Type.Literal("ts")])),
  }),
  /** Patterns of paths, such as `/api/*`, that it answers before files do; elsewhere it answers what no file does. */
  routes: Type.Optional(Type.Array(Type.String({ maxLength: 200 }), { maxItems: 100 })),
  /** `0 4 * * *`, or with a time zone `{ "cron": "0 4 * * *", "timeZone": "Europe/Berlin" }`. By default UTC. */
  crons: Type.Optional(
    Type.Array(
      Type.Union([
        Type.String({ maxLength: 100 }),
        Type.Object({
          cron: Type.String({ maxLength: 100 }),
          timeZone: Type.Optional(Type.String({ maxLength: 64 })),
        }),
      ]),
      { maxItems: 1000 },
    ),
  ),
  /** Whether it has `env.DB`; by default it does where its code names `DB`. */
  database: Type.Optional(Type.Boolean()),
});
export type ProgramBody = Static<typeof ProgramBody>;

/** A deploy to begin: all files, or the first part of them. */
export const DeployBody = Type.Object({
  files: FileList,
  message: Type.Optional(Type.String({ maxLength: 1000 })),
  draft: Type.Optional(Type.Boolean()),
  program: Type.Optional(ProgramBody),
});
export type DeployBody = Static<typeof DeployBody>;

/** More files of a deploy that was begun. */
export const DeployPart = Type.Object({ files: FileList });
export type DeployPart = Static<typeof DeployPart>;

/** What a begun deploy still needs: hex SHA-256 of blobs, each once. */
export const DeployStarted = Type.Object({ id: Type.String(), missing: Type.Array(Sha256) });
export type DeployStarted = Static<typeof DeployStarted>;

/** How to finish. `release` (by default true unless the deploy is a draft): make it live. */
export const FinalizeBody = Type.Object({ release: Type.Optional(Type.Boolean()) });
export type FinalizeBody = Static<typeof FinalizeBody>;

/** A finished deploy. `url` is the site's address, `deployUrl` the deploy's own. */
export const Finalized = Type.Object({
  id: Type.String(),
  site: Type.String(),
  url: Type.String(),
  deployUrl: Type.String(),
  live: Type.Boolean(),
  files: Type.Integer(),
  sizeBytes: Type.Integer(),
  warnings: Type.Array(Type.String()),
});
export type Finalized = Static<typeof Finalized>;

/** Which deploy to go back to; by default the one that was released before the live one. */
export const RollbackBody = Type.Object({ deploy: Type.Optional(Type.String({ maxLength: 32 })) });
export type RollbackBody = Static<typeof RollbackBody>;

/** One time that a deploy went live. `key` is the deploy key that did it, or null. */
const Release = Type.Object({
  deploy: Type.String(),
  at: Time,
  by: nullable(Type.String()),
  key: nullable(Type.String()),
});
/** A page of releases, newest first. */
export const ReleasePage = pageOf(Release);
export type ReleasePage = Static<typeof ReleasePage>;

/** One file of a deploy. */
const DeployFile = Type.Object({
  path: Type.String(),
  sha256: Sha256,
  sizeBytes: Type.Integer(),
});
/** A page of a deploy's files, by path. */
export const DeployFilePage = pageOf(DeployFile);
export type DeployFilePage = Static<typeof DeployFilePage>;

/** What changed from one deploy to another; at most 1,000 paths of each kind, `total` counts all. */
export const DeployDiff = Type.Object({
  from: nullable(Type.String()),
  to: Type.String(),
  added: Type.Array(Type.String()),
  changed: Type.Array(Type.String()),
  removed: Type.Array(Type.String()),
  total: Type.Object({
    added: Type.Integer(),
    changed: Type.Integer(),
    removed: Type.Integer(),
    unchanged: Type.Integer(),
  }),
});
export type DeployDiff = Static<typeof DeployDiff>;

/** pending: not proven yet; failing: proven once, its last check failed, still served for a while. */
export const DomainState = Type.Union([
  Type.Literal("pending"),
  Type.Literal("verified"),
  Type.Literal("failing"),
]);
export type DomainState = Static<typeof DomainState>;

/** A custom domain and the TXT record that proves it. */
export const Domain = Type.Object({
  host: Type.String(),
  state: DomainState,
  url: Type.String(),
  /** Name and value of the TXT record. */
  record: Type.String(),
  value: Type.String(),
  /** Where a CNAME record of the host points; where none can stand, A and AAAA records equal to those of this name. */
  target: Type.String(),
  /** What the last check found wrong, or null. */
  problem: nullable(Type.String()),
  /** `none`: this server makes no certificates. */
  certificate: Type.Union([
    Type.Literal("none"),
    Type.Literal("pending"),
    Type.Literal("ready"),
    Type.Literal("failing"),
  ]),
  /** Why the last attempt to get a certificate failed, or null. */
  certificateProblem: nullable(Type.String()),
  createdAt: Time,
  verifiedAt: nullable(Time),
  checkedAt: nullable(Time),
});
export type Domain = Static<typeof Domain>;
/** A domain to claim. */
export const DomainBody = Type.Object({ host: Type.String({ maxLength: 512 }) });
export type DomainBody = Static<typeof DomainBody>;
/** A page of domains, by host. */
export const DomainPage = pageOf(Domain);
export type DomainPage = Static<typeof DomainPage>;

/** How severe a line is, from the least on. */
export const LogLevel = Type.Union([
  Type.Literal("debug"),
  Type.Literal("info"),
  Type.Literal("warn"),
  Type.Literal("error"),
]);
export type LogLevel = Static<typeof LogLevel>;
/** What a line is about. */
export const LogKind = Type.Union([
  Type.Literal("request"),
  Type.Literal("deploy"),
  Type.Literal("domain"),
  Type.Literal("program"),
]);
export type LogKind = Static<typeof LogKind>;

/** One line of a site's log. `id` grows. */
export const LogLine = Type.Object({
  id: Type.Integer(),
  at: Time,
  level: LogLevel,
  kind: LogKind,
  requestId: nullable(Type.String()),
  message: Type.String(),
  data: Type.Record(Type.String(), Type.Unknown()),
});
export type LogLine = Static<typeof LogLine>;
/** A page of log lines, newest first. */
export const LogPage = pageOf(LogLine);
export type LogPage = Static<typeof LogPage>;
