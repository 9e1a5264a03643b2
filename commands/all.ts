import type { Command } from "./command.ts";

/** A row of the table: what the help says, and how to get the command only when it is called. */
export type Entry = {
  /** One line, an imperative without a full stop. */
  about: string;
  section: Section;
  /** Shown by `land` alone. */
  common?: true;
  load: () => Promise<Command>;
};

/** Headings of the help, in its order. */
export const SECTIONS = ["Project", "Registry", "Account", "Server", "Help"] as const;
/** One of the headings. */
export type Section = (typeof SECTIONS)[number];

/** Every subcommand, in the order of the help. The imports are literal, so that the compiled binary holds them and loads none unasked. */
export const commands: Readonly<Record<string, Entry>> = {
  init: {
    about: "Make a land.json in this folder",
    section: "Project",
    common: true,
    load: async () => (await import("./init.ts")).default,
  },
  add: {
    about: "Add packages to the manifest and install them",
    section: "Project",
    common: true,
    load: async () => (await import("./add.ts")).default,
  },
  remove: {
    about: "Take packages out of the manifest and the project",
    section: "Project",
    load: async () => (await import("./remove.ts")).default,
  },
  install: {
    about: "Install what the manifest and land.lock name",
    section: "Project",
    common: true,
    load: async () => (await import("./install.ts")).default,
  },
  list: {
    about: "Show the installed packages as a tree",
    section: "Project",
    load: async () => (await import("./list.ts")).default,
  },
  trust: {
    about: "Accept the key that signs a package now",
    section: "Project",
    load: async () => (await import("./trust.ts")).default,
  },
  run: {
    about: "Run a TypeScript or JavaScript file of the project",
    section: "Project",
    load: async () => (await import("./run-file.ts")).default,
  },
  search: {
    about: "Search the registry",
    section: "Registry",
    common: true,
    load: async () => (await import("./search.ts")).default,
  },
  info: {
    about: "Show a package of the registry",
    section: "Registry",
    load: async () => (await import("./info.ts")).default,
  },
  pack: {
    about: "Write the archive that `land publish` would send",
    section: "Registry",
    load: async () => (await import("./pack.ts")).default,
  },
  publish: {
    about: "Publish the package in this folder",
    section: "Registry",
    common: true,
    load: async () => (await import("./publish.ts")).default,
  },
  yank: {
    about: "Keep new installs from picking a version",
    section: "Registry",
    load: async () => (await import("./yank.ts")).default,
  },
  register: {
    about: "Make an account on the registry",
    section: "Account",
    load: async () => (await import("./register.ts")).default,
  },
  login: {
    about: "Sign in to the registry",
    section: "Account",
    common: true,
    load: async () => (await import("./login.ts")).default,
  },
  logout: {
    about: "Forget the credential of the registry",
    section: "Account",
    load: async () => (await import("./logout.ts")).default,
  },
  whoami: {
    about: "Show who is signed in to the registry",
    section: "Account",
    load: async () => (await import("./whoami.ts")).default,
  },
  "token create": {
    about: "Make a token for a program",
    section: "Account",
    load: async () => (await import("./token.ts")).create,
  },
  "token list": {
    about: "Show the tokens of the account",
    section: "Account",
    load: async () => (await import("./token.ts")).list,
  },
  "token revoke": {
    about: "Make a token worthless",
    section: "Account",
    load: async () => (await import("./token.ts")).revoke,
  },
  serve: {
    about: "Run a registry",
    section: "Server",
    common: true,
    load: async () => (await import("./serve.ts")).default,
  },
  "service install": {
    about: "Set the server up as a systemd service",
    section: "Server",
    load: async () => (await import("./service.ts")).install,
  },
  "service uninstall": {
    about: "Take the systemd service away; the data stays",
    section: "Server",
    load: async () => (await import("./service.ts")).uninstall,
  },
  version: {
    about: "Show the version of land",
    section: "Help",
    load: async () => (await import("./version.ts")).default,
  },
};
