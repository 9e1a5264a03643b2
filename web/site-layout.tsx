import type { Child, Html } from "#html/html.ts";
import type { Role, Site } from "#sites/model.ts";

import { type Frame, Layout } from "./layout.tsx";
import { Badge } from "./ui.tsx";

/** The parts of a site's page, each an address of its own. */
export const SITE_TABS = {
  deploys: "Deploys",
  functions: "Functions",
  env: "Variables",
  kv: "Key-value store",
  crons: "Schedules",
  egress: "Egress",
  traffic: "Traffic",
  domains: "Domains",
  people: "People and keys",
  logs: "Logs",
  settings: "Settings",
} as const;
/** One of them. */
export type SiteTab = keyof typeof SITE_TABS;

/** Those that stand together below one of them. */
const FUNCTION_TABS: ReadonlySet<SiteTab> = new Set(["functions", "env", "kv", "crons", "egress"]);

/** What viewers may not see. */
const OF_DEVELOPERS: ReadonlySet<SiteTab> = new Set(["env", "kv", "egress"]);

/** What every page of a site is made from. */
export type SiteFrame = { frame: Frame; site: Site };

/** The page of a site, or one of its parts. */
export function sitePath(site: string, tab: SiteTab = "deploys"): string {
  return tab === "deploys" ? `/sites/${site}` : `/sites/${site}/${tab}`;
}

const RANK: Readonly<Record<Role, number>> = { viewer: 0, developer: 1, owner: 2 };

/** Whether the one who looks has at least that role. Pages offer only what will be allowed. */
export function may(site: Site, role: Role): boolean {
  return RANK[site.role] >= RANK[role];
}

const tabs = Object.keys(SITE_TABS)
  .filter((one): one is SiteTab => one in SITE_TABS)
  .filter((one) => one === "functions" || !FUNCTION_TABS.has(one));

type Props = SiteFrame & { tab: SiteTab; title?: string; children: Child };

/** A document about one site: its name, its address, its parts. */
export function SiteLayout({ frame, site, tab, title, children }: Props): Html {
  const ofFunctions = FUNCTION_TABS.has(tab);
  const isCurrent = (one: SiteTab): boolean => one === (ofFunctions ? "functions" : tab);
  const name = title ?? (tab === "deploys" ? site.name : `${SITE_TABS[tab]} · ${site.name}`);
  return (
    <Layout frame={frame} title={name} isPrivate>
      <header class="site-top">
        <p class="crumb">
          <a href="/sites">Sites</a>
        </p>
        <h1>{site.name}</h1>
        <p class="package-facts">
          <a href={site.url} rel="nofollow noopener">
            {site.url.replace(/^https?:\/\//, "")}
          </a>
          {site.domains.map((host) => (
            <a href={site.url.replace(/^(https?:\/\/)[^:/]+/, `$1${host}`)} rel="nofollow noopener">
              {host}
            </a>
          ))}
          <SiteBadges site={site} />
        </p>
      </header>
      <nav class="tabs parts" aria-label={`Parts of ${site.name}`}>
        {tabs.map((one) => (
          <a href={sitePath(site.name, one)} aria-current={isCurrent(one) ? "page" : undefined}>
            {SITE_TABS[one]}
          </a>
        ))}
      </nav>
      {ofFunctions && (
        <nav class="sorts functions" aria-label="Parts of functions">
          {[...FUNCTION_TABS]
            .filter((one) => may(site, OF_DEVELOPERS.has(one) ? "developer" : "viewer"))
            .map((one) => (
              <a href={sitePath(site.name, one)} aria-current={one === tab ? "page" : undefined}>
                {one === "functions" ? "Overview" : SITE_TABS[one]}
              </a>
            ))}
        </nav>
      )}
      {children}
    </Layout>
  );
}

/** What is out of the ordinary about a site. */
export function SiteBadges({ site }: { site: Site }): Html {
  return (
    <>
      {site.live === null && <Badge>nothing deployed</Badge>}
      {site.protection === "password" && <Badge kind="warn">password</Badge>}
      {site.protection === "members" && <Badge kind="warn">members only</Badge>}
      {site.maintenance && <Badge kind="bad">maintenance</Badge>}
      {site.role !== "owner" && <Badge>you are {site.role}</Badge>}
    </>
  );
}
