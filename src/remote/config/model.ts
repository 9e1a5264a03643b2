/**
 * `src/remote/config` is the client's configuration: defaults < `$LAND_HOME/config.json` < what a project may set < `LAND_*` < flags.
 * The commands call it. It must never take from a project what grants trust.
 */
import { isAbsolute } from "node:path";

import type { HookName } from "#base/client-hooks.ts";
import { toLandError } from "#base/errors.ts";

import { parseRegistryUrl } from "../registry-url.ts";

/** One setting of the client. */
export type ClientSetting = {
  type: "text" | "texts" | "number" | "bytes" | "days" | "seconds" | "boolean";
  default: string | readonly string[] | number | boolean;
  /** One line for `land config list` and the documentation. */
  about: string;
  oneOf?: readonly string[];
  min?: number;
  max?: number;
  /**
   * Whether land.json's `config` may set it: `no` for what grants trust; `tighten` for what it may only make stricter than the
   * user has it.
   */
  project: "yes" | "no" | "tighten";
  /** Not shown where it holds a password, as an address of a proxy may. */
  secret?: true;
  /** What is wrong with a text that is not empty, or with one of several; undefined where nothing is. */
  problem?: (value: string) => string | undefined;
};

function problemOfRegistry(value: string): string | undefined {
  try {
    parseRegistryUrl(value);
    return undefined;
  } catch (cause) {
    return String(toLandError(cause).data?.["problem"]);
  }
}

function problemOfProxy(value: string): string | undefined {
  const url = URL.parse(value);
  const fits = url && /^https?:$/.test(url.protocol) && /^\/?$/.test(url.pathname) && !url.search;
  return fits ? undefined : "use an address like http://proxy.example.com:3128";
}

const hook = (name: HookName) =>
  ({
    type: "text",
    default: "",
    about: `Shell command that is run at ${name}`,
    project: "no",
  }) as const;

/** Every setting of the client, by its name. */
export const CLIENT_SETTINGS = {
  "registry.default": {
    type: "text",
    default: "http://127.0.0.1:5263",
    about: "Address of the registry that is used where none is named",
    project: "no",
    problem: problemOfRegistry,
  },
  "registry.trusted": {
    type: "texts",
    default: [],
    about: "Further registries that a lock file may name",
    project: "no",
    problem: problemOfRegistry,
  },
  "storage.link": {
    type: "text",
    default: "auto",
    oneOf: ["auto", "reflink", "hardlink", "copy"],
    about: "How files come from the store into a project",
    project: "yes",
  },
  "cache.maxSize": {
    type: "bytes",
    default: 5_000_000_000,
    min: 0,
    about: "Size of the store at which the longest unused packages go; 0: no limit",
    project: "no",
  },
  "cache.maxAge": {
    type: "days",
    default: 90,
    min: 0,
    about: "Days after which what no known project needs goes; 0: never",
    project: "no",
  },
  "cache.autoPrune": {
    type: "boolean",
    default: true,
    about: "Prune by itself after an install, at most once a day",
    project: "no",
  },
  "cache.indexSeconds": {
    type: "seconds",
    default: 60,
    min: 0,
    max: 86_400,
    about: "How long an install goes by what registries told; 0: they are always asked",
    project: "no",
  },
  "network.concurrency": {
    type: "number",
    default: 8,
    min: 1,
    max: 64,
    about: "Downloads at a time; four of less than 1 MB count as one",
    project: "yes",
  },
  "network.tries": {
    type: "number",
    default: 5,
    min: 1,
    max: 20,
    about: "How often a request that may be repeated is tried",
    project: "yes",
  },
  "network.waitSeconds": {
    type: "seconds",
    default: 20,
    min: 0,
    max: 600,
    about: "All waiting between the tries of one request together",
    project: "yes",
  },
  "network.connectSeconds": {
    type: "seconds",
    default: 15,
    min: 1,
    max: 600,
    about: "How long connecting may take",
    project: "yes",
  },
  "network.answerSeconds": {
    type: "seconds",
    default: 30,
    min: 1,
    max: 600,
    about: "How long an answer may take to begin",
    project: "yes",
  },
  "network.idleSeconds": {
    type: "seconds",
    default: 30,
    min: 1,
    max: 600,
    about: "How long a body may pause",
    project: "yes",
  },
  "network.proxy": {
    type: "text",
    default: "",
    about: "Address of a proxy; without one HTTPS_PROXY and HTTP_PROXY count",
    project: "no",
    secret: true,
    problem: problemOfProxy,
  },
  "network.noProxy": {
    type: "texts",
    default: [],
    about: "Hosts that are asked without the proxy; without any NO_PROXY counts",
    project: "no",
  },
  "network.ca": {
    type: "text",
    default: "",
    about: "File with further certificate authorities (PEM)",
    project: "no",
    problem: (value) => (isAbsolute(value) ? undefined : "use an absolute path"),
  },
  "security.requireSignatures": {
    type: "boolean",
    default: false,
    about: "Refuse versions that are not signed",
    project: "tighten",
  },
  "security.checksum": {
    type: "text",
    default: "sha256",
    oneOf: ["sha256", "sha512", "blake3"],
    about: "Checksum that is verified besides SHA-256",
    project: "tighten",
  },
  "security.minimumAge": {
    type: "days",
    default: 0,
    min: 0,
    about: "Days that a version must have been published before it is picked; 0: none",
    project: "tighten",
  },
  "credentials.keychain": {
    type: "boolean",
    default: true,
    about: "Keep credentials in the keychain of the system where it works",
    project: "no",
  },
  "plugins.enabled": {
    type: "boolean",
    default: true,
    about: "Load plugins; --no-plugins turns them off for one command",
    project: "no",
  },
  "hooks.limitSeconds": {
    type: "seconds",
    default: 60,
    min: 1,
    max: 86_400,
    about: "How long each plugin, and the shell command, may take at an event",
    project: "no",
  },
  "upgrade.source": {
    type: "text",
    default: "",
    about: "Address that `land upgrade` asks for new versions; without one it asks nobody",
    project: "no",
  },
  "hooks.preInstall": hook("preInstall"),
  "hooks.postInstall": hook("postInstall"),
  "hooks.preUninstall": hook("preUninstall"),
  "hooks.postUninstall": hook("postUninstall"),
  "hooks.packageUpdate": hook("packageUpdate"),
  "hooks.prePublish": hook("prePublish"),
  "hooks.postPublish": hook("postPublish"),
  "hooks.preDeploy": hook("preDeploy"),
  "hooks.postDeploy": hook("postDeploy"),
} as const satisfies Record<string, ClientSetting>;

/** The name of a setting. */
export type ClientKey = keyof typeof CLIENT_SETTINGS;

type ValueOf<S extends { type: ClientSetting["type"] }> = S["type"] extends "text"
  ? S extends { oneOf: readonly (infer Word)[] }
    ? Word
    : string
  : S["type"] extends "texts"
    ? readonly string[]
    : S["type"] extends "boolean"
      ? boolean
      : number;

/** The settings in use: bytes, days and seconds as numbers of them. */
export type ClientConfig = {
  readonly [K in ClientKey]: ValueOf<(typeof CLIENT_SETTINGS)[K]>;
};

/** Where a value comes from. */
export type ConfigOrigin = "default" | "user" | "project" | "environment" | "flag";
