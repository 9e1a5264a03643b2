import { removeFolder } from "./disk.ts";
import type { World } from "./housekeeping.ts";
import type { Site } from "./site.ts";

/** What they do gets this long to be finished. */
const CLEAR_MS = 2000;

type Random = (bytes: number) => Uint8Array;

/** Ends what runs of a removed site, and removes its folder. */
export async function forgetSite(
  { sites, instances }: World,
  { folderOf, random }: { folderOf: (siteId: number) => string; random: Random },
  siteId: number,
): Promise<void> {
  const site = sites.get(siteId);
  if (site) {
    site.isGone = true;
    const ending = [...instances].filter((instance) => instance.site === site);
    for (const instance of ending)
      instance.kill({ code: "program_gone", message: "The site was removed" });
    await Promise.all([...site.runners.values()].map(({ settled }) => settled()));
    await Promise.all(ending.map(({ ended }) => ended));
    sites.delete(siteId);
  }
  await removeFolder(folderOf(siteId), () => Buffer.from(random(16)).toString("hex"));
}

/** Ends the processes of a site that have its folder, and removes that. Starts wait until it is gone. */
export async function clearSite(
  world: World,
  { folderOf, random }: { folderOf: (siteId: number) => string; random: Random },
  site: Site,
): Promise<void> {
  while (site.clearing) await site.clearing.catch(() => undefined);
  const clear = async (): Promise<void> => {
    await Promise.all([...site.runners.values()].map(({ settled }) => settled()));
    const writers = [...world.instances].filter(
      (instance) => instance.site === site && instance.hasDatabase,
    );
    for (const instance of writers) instance.stop(CLEAR_MS);
    await Promise.all(writers.map(({ ended }) => ended));
    await removeFolder(folderOf(site.id), () => Buffer.from(random(16)).toString("hex"));
    site.isFull = false;
  };
  const clearing = clear();
  // Those that wait start in any case; what went wrong is told to who asked.
  site.clearing = clearing.catch(() => undefined).finally(() => (site.clearing = undefined));
  await clearing;
}

/** Asks the processes of a site to end, kills those that do not within the time, and waits until all are gone. */
export async function endSite({ instances }: World, site: Site, graceMs: number): Promise<void> {
  await Promise.all([...site.runners.values()].map(({ settled }) => settled()));
  const ending = [...instances].filter((instance) => instance.site === site);
  for (const instance of ending) instance.stop(graceMs);
  await Promise.all(ending.map(({ ended }) => ended));
}
