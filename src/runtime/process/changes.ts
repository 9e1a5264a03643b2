import type { World } from "./housekeeping.ts";
import type { SupervisorParts } from "./parts.ts";
import type { Site } from "./site.ts";

/** What tells processes of a site that something of it changed. */
export type Changes = {
  /** Requests wait until its processes know. */
  envChanged: (siteId: number) => void;
  quotasChanged: (siteId: number) => void;
};

/** Makes it for all sites of a server. */
export function createChanges(
  { envOf, quotasOf, log }: SupervisorParts,
  { sites, instances }: World,
): Changes {
  async function tellEnv(site: Site): Promise<void> {
    const ofSite = [...instances].filter((instance) => instance.site === site);
    try {
      const env = await envOf(site.id);
      for (const { link, state } of ofSite)
        if (state === "ready" || state === "draining") link.control({ kind: "env", env });
    } catch (cause) {
      // Better none than one with old secrets.
      log.error("functions.env", { site: site.id, cause });
      for (const instance of ofSite) instance.kill();
    }
  }
  return {
    envChanged(siteId: number): void {
      const site = sites.get(siteId);
      if (!site) return;
      site.envVersion += 1;
      site.crashes.reset();
      for (const runner of site.runners.values()) runner.retry();
      const telling = tellEnv(site).finally(() => {
        if (site.telling === telling) site.telling = undefined;
      });
      site.telling = telling;
    },
    quotasChanged(siteId: number): void {
      const site = sites.get(siteId);
      if (!site) return;
      quotasOf(siteId).then(
        (quotas) => (site.quotas = quotas),
        (cause: unknown) => log.error("functions.quotas", { site: siteId, cause }),
      );
    },
  };
}
