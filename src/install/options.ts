import type { ClientHooks } from "#base/client-hooks.ts";
import type { PackageName, Version } from "#base/names.ts";
import type { Remote } from "#remote/client.ts";
import type { Home } from "#remote/credentials.ts";
import type { RegistryUrl } from "#remote/registry-url.ts";

import type { Placed } from "./marker.ts";

/** Under which key of the manifest a requirement stands. */
export type RequirementKind = (typeof REQUIREMENT_KINDS)[number];

/** Those keys, in the order in which what changes is told. */
export const REQUIREMENT_KINDS = [
  "dependencies",
  "devDependencies",
  "optionalDependencies",
] as const;

/** A package to add. Nothing of it was checked. */
export type AddRequest = {
  name: string;
  /** A range or a tag as typed; without one: `^` of the newest version that the resolver may pick. */
  range?: string;
  kind: RequirementKind;
  /** Without a range: that very version. */
  exact: boolean;
};

/** What to do with a project. */
export type InstallMode =
  | { kind: "install" }
  | { kind: "add"; packages: readonly AddRequest[] }
  | { kind: "remove"; names: readonly string[] }
  /** To the newest versions that the manifest allows; all packages where no names are given. */
  | {
      kind: "update";
      names: readonly string[];
      /**
       * Also past what the manifest allows: its ranges are rewritten to the newest version that may be picked. A list: those of these
       * names alone.
       */
      latest: boolean | readonly string[];
    };

/** What happens while installing, for progress. */
export type InstallEvent =
  | { kind: "wait"; what: string; holder: string }
  /** Versions are picked; `packages` whose versions were asked for so far. */
  | { kind: "resolve"; packages?: number }
  /** Something the user should know, one sentence, safe for a terminal. */
  | { kind: "warn"; problem: string }
  | { kind: "download"; name: string; version: string; receivedBytes: number; totalBytes?: number }
  | { kind: "stored"; name: string; version: string }
  | { kind: "write"; packages: number };

/** What an install needs to know. Paths are absolute. */
export type InstallOptions = Home & {
  /** The folder of the project. */
  dir: string;
  mode: InstallMode;
  /** For mode `install`: take land.lock as it is, or fail. Implied by CI. */
  frozen: boolean;
  /** Solve and write land.lock, and leave the tree as it is; the result then tells what changed in the lock. */
  lockOnly?: boolean;
  /** Ask no registry. */
  offline: boolean;
  /** Tell what would change, and write nothing of the project. */
  dryRun?: boolean;
  /** Which versions are picked; `lowest` for library authors. */
  resolution: "highest" | "lowest";
  /** In a workspace, whose manifest `add` and `remove` edit: name or folder of a member; by default that of `dir`. */
  workspace?: string;
  /** Told before and after the tree changes. */
  hooks: ClientHooks;
  /** Whether a folder that land did not make may be replaced. */
  yes: boolean;
  /** Where packages come from that are in no lock yet. */
  registry: RegistryUrl;
  /** Others that the user trusts. */
  configured: readonly RegistryUrl[];
  remoteFor: (registry: RegistryUrl) => Remote | Promise<Remote>;
  landVersion: string;
  /** The running land, for commands that it has to run. */
  landBinary: string;
  /** Downloads at a time. */
  concurrency: number;
  security: {
    /** Refuse what is not signed. */
    requireSignatures: boolean;
    /** What is verified besides SHA-256. */
    checksum: "sha256" | "sha512" | "blake3";
    /** Days that a version must have been published before it is picked anew. */
    minimumAgeDays: number;
  };
  /** How files come from the store into the tree. */
  link: "auto" | "reflink" | "hardlink" | "copy";
  /** What the store may take, and how long; see `cache.*` of the configuration. */
  cache: { maxBytes: number; maxAgeDays: number; autoPrune: boolean };
  /** When this machine was started, where it is not to be asked. */
  bootedAt?: Date;
  onEvent?: (event: InstallEvent) => void;
  /** Lets a plain install take what the same question led to before, where registries tell the same; absent: all is solved anew. */
  memory?: {
    /** Which solver picks: what another one picked does not count. */
    solver: string;
    /** Seconds for which what registries told is believed without asking again, where they let it. */
    maxAgeSeconds: number;
  };
  /** Called with what will change before anything of the project is written, if anything will; may refuse by throwing. */
  beforeWrite?: (change: InstallResult) => Promise<void>;
  /** Called with what the tree will hold, when all of it is verified and laid ready but not yet in place; may refuse by throwing. */
  beforeCommit?: (placed: Placed) => Promise<void>;
};

/** A package and its version. */
export type NamedVersion = { name: PackageName; version: Version };

/** What an install changed in the tree. */
export type InstallResult = {
  added: NamedVersion[];
  removed: NamedVersion[];
  changed: (NamedVersion & { from: Version })[];
  /** How many packages stayed as they were. */
  unchanged: number;
  /** Members of the workspace that were linked anew; absent where none was. */
  linked?: PackageName[];
  /** What changed of the manifests; absent where nothing did. */
  manifest?: RequirementChange[];
  /** What an update past the manifests could not bring to its newest version; absent where there is none. */
  behind?: StayedBehind[];
};

/** A package that cannot be at its newest version without another one that was to be updated going back. */
export type StayedBehind = {
  name: string;
  version: Version;
  latest: Version;
  /** What stands in the way, one line, safe for a terminal. */
  reason: string;
};

/** A requirement that came, went or has another range. */
export type RequirementChange = {
  /** Of the project or member, relative to the root; `.` is the root. */
  folder: string;
  kind: RequirementKind;
  name: string;
  /** The range before; absent where it was not asked for. */
  from?: string;
  /** The range after; absent where it is asked for no more. */
  to?: string;
};
