/** A package and its version, told to plugins and hooks. */
export type HookPackage = { name: string; version: string };
/** One whose version changes. */
export type HookChange = HookPackage & { from: string };

/** What is told at each event. Plain data: it goes as JSON to shell hooks. Paths are absolute. */
export type HookEvents = {
  /** Before the tree of a project changes; `packages` come or change. */
  preInstall: { dir: string; packages: HookPackage[] };
  postInstall: { dir: string; packages: HookPackage[] };
  /** Before packages leave the tree of a project. */
  preUninstall: { dir: string; packages: HookPackage[] };
  postUninstall: { dir: string; packages: HookPackage[] };
  /** After packages of a tree changed to other versions. */
  packageUpdate: { dir: string; packages: HookChange[] };
  prePublish: HookPackage & { dir: string; registry: string; digest: string };
  postPublish: HookPackage & { dir: string; registry: string; digest: string };
  preDeploy: { dir: string; site: string; registry: string; draft: boolean };
  postDeploy: {
    dir: string;
    site: string;
    registry: string;
    draft: boolean;
    deploy: string;
    url: string;
  };
};

/** The name of an event. */
export type HookName = keyof HookEvents;
