import type { ServerConfig } from "#base/config.ts";
import type { Lock } from "#store/lock.ts";

import type { Content } from "./dev-content.ts";
import { type Build, type Folder, followFolder } from "./dev-folder.ts";
import {
  type FollowedProgram,
  followProgram,
  type ProgramSource,
  type ProgramState,
} from "./dev-program.ts";
import { createReload, type Reload } from "./dev-reload.ts";
import { takeState } from "./dev-state.ts";

/** Follows a folder and its program, and tells pages of both. */
export type Following = {
  reload: Reload;
  /** Looks for the first time. @throws file_failed */
  open: () => Promise<void>;
  /** From now on, programs are handed on. Answers what there is. */
  begin: () => Promise<{ build: Build; state: ProgramState }>;
  build: () => Promise<Build>;
  /** Waits until what was noticed is looked at. */
  settle: () => Promise<void>;
  /** Follows nothing any more, and ends the streams of pages. */
  close: () => void;
  /** Lets others use what the program keeps. */
  release: () => void;
};

/** How it follows. */
export type FollowingOptions = {
  folder: string;
  source: ProgramSource;
  config: ServerConfig;
  content: Content;
  now: () => Date;
  onChange: (paths: readonly string[]) => void;
  /** Takes each program, before pages are told of it. `paths`: what changed; undefined for the first. */
  take: (state: ProgramState, paths: readonly string[] | undefined) => void;
  onWarning: (text: string) => void;
};

/** Makes it. */
export function createFollowing(options: FollowingOptions): Following {
  const { source, now, take } = options;
  const pages = createPages();
  let hasBegun = false;
  let lock: Lock | undefined;
  let folder: Folder | undefined;
  let program: FollowedProgram | undefined;
  const theFolder = (): Folder => folder ?? notOpen();
  return {
    reload: pages.reload,
    async open() {
      folder = await followFolder({
        ...options,
        main: source.main,
        onChange(build, paths) {
          if (paths.length === 0) return;
          pages.folderChanged(build, paths);
          options.onChange(paths);
        },
      });
      program = await followProgram({
        ...options,
        folder,
        prepare: async () => void (lock ??= await takeState(source.root, now)),
        onState(state, paths) {
          if (hasBegun) take(state, paths);
          pages.programChanged(state);
        },
      });
    },
    async begin() {
      const build = await theFolder().current();
      const state = (await program?.current()) ?? notOpen();
      pages.folderChanged(build, []);
      hasBegun = true;
      if (state.id !== "") take(state, undefined);
      return { build, state };
    },
    build: () => theFolder().current(),
    settle: async () => void (await program?.current()),
    close() {
      folder?.stop();
      program?.stop();
      pages.reload.stop();
    },
    release: () => lock?.release(),
  };
}

function notOpen(): never {
  throw new Error("the folder was not looked at yet");
}

/** What pages belong to: a build of the folder, and a program. */
function createPages() {
  const reload = createReload("");
  const ids = { folder: "", program: "" };
  const tell = (css: readonly string[] | undefined): void =>
    reload.tell(`${ids.folder}${ids.program.slice(0, 16)}`, css);
  return {
    reload,
    folderChanged(build: Build, paths: readonly string[]): void {
      const isCss =
        paths.length > 0 && paths.every((path) => path.endsWith(".css") && build.files.has(path));
      ids.folder = build.id;
      tell(isCss ? paths.map((path) => `/${path}`) : undefined);
    },
    programChanged({ id }: ProgramState): void {
      ids.program = id;
      tell(undefined);
    },
  };
}
