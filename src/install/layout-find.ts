import { rmSync } from "node:fs";
import { basename } from "node:path";

import type { Application } from "./apply.ts";
import type { Began } from "./lay-early.ts";
import { startLayThread } from "./lay-thread.ts";
import { aliasLayout, writeLayout } from "./layout-file.ts";
import { layoutPath, useLayout } from "./layout-place.ts";
import type { Known } from "./link-known.ts";
import { mayLink, methodFor } from "./link-method.ts";
import type { InstallOptions } from "./options.ts";
import { storePlaces } from "./store-places.ts";
import type { StoreBesides } from "./store-thread.ts";
import type { StoredPackage } from "./stored.ts";

/** What is known of where packages go, and how to keep that for the next time. */
export type FoundLayout = {
  known: Known | undefined;
  /**
   * Keeps what was laid of the store from `beganAt` on, in milliseconds since 1970, and notes that it was the right one. What was
   * fetched just then is better looked at once more, and what is not linked is laid without.
   */
  keep: (stored: readonly StoredPackage[], beganAt: number) => void;
};

/** Finds the layout of these packages. What began to be laid early goes on where it is this one, which then is told as `begun`. */
export async function findLayout(
  options: InstallOptions,
  { bootId, aheadMs }: StoreBesides,
  { change, places, began }: Pick<Application, "change" | "places" | "began">,
): Promise<FoundLayout | undefined> {
  if (!mayLink(options)) return undefined;
  const { landHome, link } = options;
  const about = { landHome, bootId, packages: change.place };
  const path = layoutPath(about);
  const known = useLayout(about, options.now()) ? await knownAt(path, landHome, began) : undefined;
  return {
    known,
    keep(stored, beganAt) {
      if (!known) {
        const sample = stored.find(({ files }) => files.length > 0)?.files[0];
        const isOld = stored.every(({ checkedAt = beganAt }) => checkedAt < beganAt);
        if (!sample || !isOld) return;
        const from = storePlaces(landHome).objectPath(sample);
        if (methodFor(link, from, places.installDir) !== "hardlink") return;
        writeLayout(path, { landHome, stored, seenAt: beganAt - aheadMs });
      }
      if (began.likely !== undefined && !known?.begun) aliasLayout(path, began.likely);
    },
  };
}

async function knownAt(
  path: string,
  landHome: string,
  { early }: Began,
): Promise<Known | undefined> {
  const forget = (): void => rmSync(path, { force: true });
  const { files } = storePlaces(landHome);
  const before = await early?.thread.layout;
  if (early && before?.key === basename(path))
    return { layout: before, files, thread: early.thread, begun: early.folders, forget };
  const thread = startLayThread(path);
  const layout = await thread.layout;
  if (layout?.key === basename(path)) return { layout, files, thread, begun: undefined, forget };
  thread.close();
  return undefined;
}
