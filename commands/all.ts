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
export const SECTIONS = [
  "Project",
  "Registry",
  "Sites",
  "Account",
  "Client",
  "Server",
  "Help",
] as const;
/** One of the headings. */
export type Section = (typeof SECTIONS)[number];

/** What first words with several commands are about, for the list of all. */
export const GROUPS: Readonly<Record<string, string>> = {
  lock: "The lock of the project",
  audit: "What registries tell now of the installed versions",
  trust: "Keys that packages may be signed by",
  owner: "Who owns a package",
  tag: "Names of versions that move",
  deploys: "Show the deploys of a site",
  sites: "Your sites",
  domains: "Domains of your own for a site",
  env: "Variables and secrets of a site",
  kv: "The key-value store of a site",
  crons: "Schedules of a site's program",
  egress: "Where a site's program talks to",
  token: "Tokens for programs",
  config: "Settings of land on this machine",
  store: "What is stored of packages on this machine",
  plugin: "What land can do beyond its own",
  service: "The server as a systemd service",
  admin: "The data folder of a server",
};

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
  update: {
    about: "Move to the newest versions that the manifest allows",
    section: "Project",
    load: async () => (await import("./update.ts")).default,
  },
  uninstall: {
    about: "Take away packages that were installed for you",
    section: "Project",
    load: async () => (await import("./uninstall.ts")).default,
  },
  lock: {
    about: "Make land.lock what the manifest asks for",
    section: "Project",
    load: async () => (await import("./lock.ts")).make,
  },
  "lock merge": {
    about: "Merge two versions of land.lock",
    section: "Project",
    load: async () => (await import("./lock.ts")).merge,
  },
  "lock install-driver": {
    about: "Let git merge land.lock by land",
    section: "Project",
    load: async () => (await import("./lock.ts")).installDriver,
  },
  list: {
    about: "Show the installed packages as a tree",
    section: "Project",
    load: async () => (await import("./list.ts")).default,
  },
  outdated: {
    about: "Show which packages have newer versions",
    section: "Project",
    load: async () => (await import("./outdated.ts")).default,
  },
  why: {
    about: "Show what needs a package",
    section: "Project",
    load: async () => (await import("./why.ts")).default,
  },
  "why-not": {
    about: "Show what stands in the way of a version",
    section: "Project",
    load: async () => (await import("./why-not.ts")).default,
  },
  verify: {
    about: "Compare what is installed with its archives",
    section: "Project",
    load: async () => (await import("./verify.ts")).default,
  },
  audit: {
    about: "Ask what registries tell now of the installed versions",
    section: "Project",
    load: async () => (await import("./audit.ts")).all,
  },
  "audit signatures": {
    about: "Check the signatures of the installed versions",
    section: "Project",
    load: async () => (await import("./audit.ts")).signatures,
  },
  trust: {
    about: "Accept the key that signs a package now",
    section: "Project",
    load: async () => (await import("./trust.ts")).default,
  },
  "trust list": {
    about: "Show the keys that land.lock knows",
    section: "Project",
    load: async () => (await import("./trust.ts")).list,
  },
  "trust remove": {
    about: "Forget keys that land.lock knows",
    section: "Project",
    load: async () => (await import("./trust.ts")).remove,
  },
  run: {
    about: "Run a TypeScript or JavaScript file of the project",
    section: "Project",
    load: async () => (await import("./run-file.ts")).default,
  },
  ui: {
    about: "Show projects, store and accounts in the browser",
    section: "Project",
    load: async () => (await import("./ui.ts")).default,
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
  deprecate: {
    about: "Warn whoever picks a version",
    section: "Registry",
    load: async () => (await import("./deprecate.ts")).default,
  },
  "owner list": {
    about: "Show who owns a package",
    section: "Registry",
    load: async () => (await import("./owner.ts")).list,
  },
  "owner add": {
    about: "Add an owner of a package",
    section: "Registry",
    load: async () => (await import("./owner.ts")).add,
  },
  "owner remove": {
    about: "Take an owner off a package",
    section: "Registry",
    load: async () => (await import("./owner.ts")).remove,
  },
  "tag list": {
    about: "Show the tags of a package",
    section: "Registry",
    load: async () => (await import("./tag.ts")).list,
  },
  "tag set": {
    about: "Point a tag at a version",
    section: "Registry",
    load: async () => (await import("./tag.ts")).set,
  },
  "tag remove": {
    about: "Remove a tag",
    section: "Registry",
    load: async () => (await import("./tag.ts")).remove,
  },
  deploy: {
    about: "Put a folder on the web",
    section: "Sites",
    common: true,
    load: async () => (await import("./deploy.ts")).default,
  },
  dev: {
    about: "Serve a folder while you make it, with live reload",
    section: "Sites",
    load: async () => (await import("./dev.ts")).default,
  },
  release: {
    about: "Make a draft what visitors get",
    section: "Sites",
    load: async () => (await import("./release.ts")).default,
  },
  rollback: {
    about: "Show an earlier deploy of a site again",
    section: "Sites",
    load: async () => (await import("./rollback.ts")).default,
  },
  deploys: {
    about: "Show the deploys of a site",
    section: "Sites",
    load: async () => (await import("./deploys.ts")).list,
  },
  "deploys show": {
    about: "Show one deploy",
    section: "Sites",
    load: async () => (await import("./deploys.ts")).show,
  },
  "deploys diff": {
    about: "Show which files changed between two deploys",
    section: "Sites",
    load: async () => (await import("./deploys.ts")).diff,
  },
  "deploys delete": {
    about: "Remove a deploy",
    section: "Sites",
    load: async () => (await import("./deploys.ts")).remove,
  },
  "sites list": {
    about: "Show your sites",
    section: "Sites",
    load: async () => (await import("./sites.ts")).list,
  },
  "sites create": {
    about: "Make a site",
    section: "Sites",
    load: async () => (await import("./sites.ts")).create,
  },
  "sites show": {
    about: "Show a site and its settings",
    section: "Sites",
    load: async () => (await import("./sites.ts")).show,
  },
  "sites delete": {
    about: "Remove a site with all its deploys",
    section: "Sites",
    load: async () => (await import("./sites.ts")).remove,
  },
  "sites protect": {
    about: "Let only some see a site",
    section: "Sites",
    load: async () => (await import("./sites-settings.ts")).protect,
  },
  "sites unprotect": {
    about: "Let everybody see a site",
    section: "Sites",
    load: async () => (await import("./sites-settings.ts")).unprotect,
  },
  "sites maintenance": {
    about: "Show visitors that the site is being worked on",
    section: "Sites",
    load: async () => (await import("./sites-settings.ts")).maintenance,
  },
  "sites key-programs": {
    about: "Let deploy keys change the program of a site",
    section: "Sites",
    load: async () => (await import("./sites-settings.ts")).keyPrograms,
  },
  "sites members": {
    about: "Show who may do what with a site",
    section: "Sites",
    load: async () => (await import("./sites-members.ts")).list,
  },
  "sites members add": {
    about: "Add a member, or change a role",
    section: "Sites",
    load: async () => (await import("./sites-members.ts")).add,
  },
  "sites members remove": {
    about: "Take somebody off a site",
    section: "Sites",
    load: async () => (await import("./sites-members.ts")).remove,
  },
  "sites keys": {
    about: "Show your deploy keys of a site",
    section: "Sites",
    load: async () => (await import("./sites-members.ts")).keys,
  },
  "domains list": {
    about: "Show the domains of a site",
    section: "Sites",
    load: async () => (await import("./domains.ts")).list,
  },
  "domains add": {
    about: "Give a site a domain of your own",
    section: "Sites",
    load: async () => (await import("./domains.ts")).add,
  },
  "domains verify": {
    about: "Check the proof of a domain",
    section: "Sites",
    load: async () => (await import("./domains.ts")).verify,
  },
  "domains remove": {
    about: "Take a domain from a site",
    section: "Sites",
    load: async () => (await import("./domains.ts")).remove,
  },
  logs: {
    about: "Show the log of a site",
    section: "Sites",
    load: async () => (await import("./logs.ts")).default,
  },
  traffic: {
    about: "Show who visits a site",
    section: "Sites",
    load: async () => (await import("./traffic.ts")).default,
  },
  "env list": {
    about: "Show the variables and secrets of a site",
    section: "Sites",
    load: async () => (await import("./env.ts")).list,
  },
  "env set": {
    about: "Set a variable or secret of a site",
    section: "Sites",
    load: async () => (await import("./env.ts")).set,
  },
  "env unset": {
    about: "Remove a variable or secret of a site",
    section: "Sites",
    load: async () => (await import("./env.ts")).unset,
  },
  "env import": {
    about: "Set what a .env file names",
    section: "Sites",
    load: async () => (await import("./env.ts")).importAll,
  },
  "kv list": {
    about: "Show the keys of a site's store",
    section: "Sites",
    load: async () => (await import("./kv.ts")).list,
  },
  "kv get": {
    about: "Print the value of a key",
    section: "Sites",
    load: async () => (await import("./kv.ts")).get,
  },
  "kv set": {
    about: "Write a key",
    section: "Sites",
    load: async () => (await import("./kv.ts")).set,
  },
  "kv delete": {
    about: "Remove a key",
    section: "Sites",
    load: async () => (await import("./kv.ts")).remove,
  },
  "crons list": {
    about: "Show the schedules of a site",
    section: "Sites",
    load: async () => (await import("./crons.ts")).list,
  },
  "crons runs": {
    about: "Show what came of the schedules of a site",
    section: "Sites",
    load: async () => (await import("./crons.ts")).runs,
  },
  "crons run": {
    about: "Run a schedule now",
    section: "Sites",
    load: async () => (await import("./crons.ts")).run,
  },
  "egress list": {
    about: "Show where the program of a site talked to",
    section: "Sites",
    load: async () => (await import("./egress.ts")).list,
  },
  "egress allow": {
    about: "Let the program of a site ask some hosts alone",
    section: "Sites",
    load: async () => (await import("./egress.ts")).allow,
  },
  "egress deny": {
    about: "Take hosts from those that it may ask",
    section: "Sites",
    load: async () => (await import("./egress.ts")).deny,
  },
  "egress reset": {
    about: "Let the program of a site ask every public host",
    section: "Sites",
    load: async () => (await import("./egress.ts")).reset,
  },
  open: {
    about: "Open a site in the browser",
    section: "Sites",
    load: async () => (await import("./open.ts")).default,
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
  "store path": {
    about: "Print where the store is",
    section: "Client",
    load: async () => (await import("./store.ts")).path,
  },
  "store status": {
    about: "Show what the store holds",
    section: "Client",
    load: async () => (await import("./store.ts")).status,
  },
  "store prune": {
    about: "Take what nobody needs out of the store",
    section: "Client",
    load: async () => (await import("./store.ts")).prune,
  },
  "store repair": {
    about: "Make a damaged store whole again",
    section: "Client",
    load: async () => (await import("./store.ts")).repair,
  },
  "store export": {
    about: "Write packages into one file for machines without network",
    section: "Client",
    load: async () => (await import("./store-bundle.ts")).exportAll,
  },
  "store import": {
    about: "Take packages from such a file",
    section: "Client",
    load: async () => (await import("./store-bundle.ts")).importAll,
  },
  "config list": {
    about: "Show all settings",
    section: "Client",
    load: async () => (await import("./config.ts")).list,
  },
  "config get": {
    about: "Print the value of a setting",
    section: "Client",
    load: async () => (await import("./config.ts")).get,
  },
  "config set": {
    about: "Change a setting",
    section: "Client",
    load: async () => (await import("./config.ts")).set,
  },
  "config unset": {
    about: "Take a setting away",
    section: "Client",
    load: async () => (await import("./config.ts")).unset,
  },
  "plugin list": {
    about: "Show the plugins",
    section: "Client",
    load: async () => (await import("./plugin.ts")).list,
  },
  "plugin add": {
    about: "Add a plugin",
    section: "Client",
    load: async () => (await import("./plugin.ts")).add,
  },
  "plugin remove": {
    about: "Remove a plugin",
    section: "Client",
    load: async () => (await import("./plugin.ts")).remove,
  },
  "plugin types": {
    about: "Print the types that a plugin can use",
    section: "Client",
    load: async () => (await import("./plugin.ts")).types,
  },
  serve: {
    about: "Run a server: a registry and a host for sites",
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
  doctor: {
    about: "Check what land needs from this machine",
    section: "Help",
    load: async () => (await import("./doctor.ts")).client,
  },
  "doctor sandbox": {
    about: "Try to break out of the sandbox of programs",
    section: "Help",
    load: async () => (await import("./doctor.ts")).sandbox,
  },
  "admin rotate-key": {
    about: "Seal variables and secrets with a new key",
    section: "Server",
    load: async () => (await import("./admin.ts")).rotate,
  },
  upgrade: {
    about: "Replace this land by a newer one",
    section: "Help",
    load: async () => (await import("./upgrade.ts")).default,
  },
  completions: {
    about: "Print what completes words of land in a shell",
    section: "Help",
    load: async () => (await import("./completions.ts")).default,
  },
  version: {
    about: "Show the version of land",
    section: "Help",
    load: async () => (await import("./version.ts")).default,
  },
};
