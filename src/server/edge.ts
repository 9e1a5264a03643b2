import type { ServerConfig } from "#base/config.ts";
import { type DeployId, isDeployId, isSiteName, type SiteName } from "#base/names.ts";
import { isIpLiteral, parseHost } from "#http/host.ts";

/** Whom a request is for, by its Host header alone. */
export type Destination =
  | { kind: "own"; host: string }
  /** A name under the domain of sites; `deploy` is there where one deploy is asked for. Whether it exists is another question. */
  | { kind: "site"; host: string; site: SiteName; deploy: DeployId | undefined }
  /** A name that may be a custom domain. */
  | { kind: "other"; host: string }
  /** A name under our own domains that no site can have. */
  | { kind: "unknown"; host: string }
  | { kind: "malformed" };

/** Decides on the Host header before anything else does. */
export function destinationOf(header: string | null, config: ServerConfig): Destination {
  const host = parseHost(header);
  if (host === undefined) return { kind: "malformed" };
  // Parsing nothing is dear, and this is asked of every request.
  const publicHost = config.publicUrl === "" ? undefined : URL.parse(config.publicUrl)?.hostname;
  if (host === config.domain || host === "localhost" || host === publicHost || isIpLiteral(host))
    return { kind: "own", host };
  const domain = config.sitesDomain || config.domain;
  if (host.endsWith(`.${domain}`))
    return siteOf(host, host.slice(0, -domain.length - 1)) ?? { kind: "unknown", host };
  if (host === domain || host.endsWith(`.${config.domain}`)) return { kind: "unknown", host };
  return { kind: "other", host };
}

function siteOf(host: string, label: string): Destination | undefined {
  const at = label.indexOf("--");
  const [deploy, site] = at === -1 ? [undefined, label] : [label.slice(0, at), label.slice(at + 2)];
  if (!isSiteName(site)) return undefined;
  if (deploy === undefined) return { kind: "site", host, site, deploy };
  return isDeployId(deploy) ? { kind: "site", host, site, deploy } : undefined;
}
