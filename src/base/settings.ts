import { choice, setting } from "./setting.ts";
import { FUNCTION_SETTINGS } from "./settings-functions.ts";

export type { Setting } from "./setting.ts";

const MB = 1024 * 1024;

const isDomain = (value: string): string | undefined =>
  /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/.test(
    value,
  )
    ? undefined
    : "use a host name in lower case, like example.com";

const isDomainOrEmpty = (value: string): string | undefined =>
  value === "" ? undefined : isDomain(value);

const isDirectory = (value: string): string | undefined =>
  URL.parse(value)?.protocol === "https:" ? undefined : "use the https address of a directory";

const isPublicUrl = (value: string): string | undefined => {
  if (value === "") return undefined;
  const url = URL.parse(value);
  return url &&
    /^https?:$/.test(url.protocol) &&
    url.pathname === "/" &&
    !url.search &&
    !url.username
    ? undefined
    : "use an address like https://land.example.com, without a path";
};

/** Every setting of `land serve`, by its key in land.toml. */
export const SETTINGS = {
  host: setting<string>({ default: "127.0.0.1", about: "Address to listen on." }),
  port: setting<number>({
    default: 5263,
    max: 65_535,
    about: "TCP port to listen on; 0 picks a free one.",
  }),
  domain: setting<string>({
    default: "localhost",
    problem: isDomain,
    about: "The domain under which this server is reached.",
  }),
  sitesDomain: setting<string>({
    default: "",
    problem: isDomainOrEmpty,
    about:
      "The domain under which sites stand, as <site>.<domain>; by default `domain`. One that shares no registrable domain with it is safer.",
  }),
  publicUrl: setting<string>({
    default: "",
    problem: isPublicUrl,
    about: "The address users see, used for every link we print; by default http://<host>:<port>.",
  }),
  registration: choice({
    default: "auto",
    oneOf: ["auto", "open", "invite", "closed"],
    about:
      "Who may make an account; auto is open on a loopback host with domain localhost, else invite.",
  }),
  access: choice({
    default: "public",
    oneOf: ["public", "members"],
    about: "public: anyone reads packages; members: every read needs an account.",
  }),
  trustedProxies: setting<readonly string[]>({
    default: [],
    about: "Addresses of proxies whose X-Forwarded-For and X-Forwarded-Proto headers are believed.",
  }),
  rateLimit: choice({
    default: "on",
    oneOf: ["on", "off"],
    about: "Turns all rate limits off.",
  }),
  "rate.registerPerHour": setting<number>({
    default: 5,
    min: 1,
    about: "Accounts made per address and hour (not counted on loopback).",
  }),
  "rate.loginPerMinute": setting<number>({
    default: 10,
    min: 1,
    about: "Sign-ins tried per address and minute (not counted on loopback).",
  }),
  "rate.publishPerMinute": setting<number>({
    default: 60,
    min: 1,
    about: "Publishes per token and minute.",
  }),
  "rate.apiPerMinute": setting<number>({
    default: 600,
    min: 1,
    about: "API requests per token and minute.",
  }),
  "limits.bodyBytes": setting<number>({
    default: MB,
    min: 1024,
    max: 64 * MB,
    about: "Largest body of a request that is not an upload, in bytes.",
  }),
  "limits.packedBytes": setting<number>({
    default: 100_000_000,
    min: 1024,
    about: "Largest packed archive, in bytes.",
  }),
  "limits.unpackedBytes": setting<number>({
    default: 500_000_000,
    min: 1024,
    about: "Largest unpacked archive, in bytes.",
  }),
  "limits.uploadBytesPerSecond": setting<number>({
    default: 128,
    about: "Slowest upload that is taken, in bytes per second on average; 0 takes any.",
  }),
  "limits.entries": setting<number>({
    default: 20_000,
    min: 1,
    about: "Most entries in an archive.",
  }),
  "sites.perAccount": setting<number>({
    default: 20,
    about: "Sites that an account may make; 0: only admins make sites.",
  }),
  "sites.reservedNames": setting<readonly string[]>({
    default: [],
    about: "Names that no new site may have, besides the built-in ones.",
  }),
  "sites.nameHoldDays": setting<number>({
    default: 30,
    about: "Days for which the name of a removed site is held for its owners.",
  }),
  "sites.files": setting<number>({ default: 50_000, min: 1, about: "Most files in a deploy." }),
  "sites.fileBytes": setting<number>({
    default: 100 * MB,
    min: 1024,
    about: "Largest file of a deploy, in bytes.",
  }),
  "sites.deployBytes": setting<number>({
    default: 1024 * MB,
    min: 1024,
    about: "Largest deploy, in bytes of its files.",
  }),
  "sites.archiveBytes": setting<number>({
    default: 500 * MB,
    min: 1024,
    about: "Largest zip or tar.gz of a deploy, in bytes as it is sent.",
  }),
  "sites.siteBytes": setting<number>({
    default: 5 * 1024 * MB,
    min: 1024,
    about: "Disk of a site over all its kept deploys, in bytes; equal files count once.",
  }),
  "sites.accountBytes": setting<number>({
    default: 20 * 1024 * MB,
    min: 1024,
    about: "Disk of all sites that an account made, in bytes.",
  }),
  "sites.keepDeploys": setting<number>({
    default: 50,
    min: 1,
    about: "Released deploys that are kept of a site, the live one among them.",
  }),
  "sites.draftDays": setting<number>({
    default: 30,
    min: 1,
    about: "Days for which a draft that never went live is kept.",
  }),
  "sites.requestsPerMinute": setting<number>({
    default: 6000,
    about:
      "Requests to a site per visitor's address and minute (not counted on loopback); 0: no limit.",
  }),
  "sites.cacheBytes": setting<number>({
    default: 48 * MB,
    about: "Memory for files of sites and their answers that are asked for often, in bytes.",
  }),
  "domains.perSite": setting<number>({
    default: 20,
    about: "Custom domains that a site may claim.",
  }),
  "domains.recheckHours": setting<number>({
    default: 24,
    min: 1,
    about: "Hours between checks of a custom domain's proof.",
  }),
  "domains.graceDays": setting<number>({
    default: 7,
    about: "Days for which a custom domain is served after its proof is gone.",
  }),
  "dns.servers": setting<readonly string[]>({
    default: [],
    about:
      "DNS servers that are asked for proofs, as address or address:port; by default the system's.",
  }),
  tls: choice({
    default: "off",
    oneOf: ["off", "dev", "files", "acme"],
    about:
      "https: dev signs with a certificate authority of its own, files reads `tls.certificates`, acme asks `acme.directory` (files come first where both fit).",
  }),
  "tls.port": setting<number>({
    default: 0,
    max: 65_535,
    about:
      "TCP port for https; 0: 443 where `port` is 80, a free one where `port` is 0, else `port` + 1.",
  }),
  "tls.certificates": setting<readonly string[]>({
    default: [],
    about: "Certificates as `<chain.pem> <key.pem>`, read again when the files change.",
  }),
  "tls.redirect": choice({
    default: "on",
    oneOf: ["on", "off"],
    about: "Whether http is answered with a redirect to https where there is https.",
  }),
  "tls.hstsSeconds": setting<number>({
    default: 15_552_000,
    about:
      "Seconds of Strict-Transport-Security in answers over https; 0: none. Never sent with tls = dev.",
  }),
  "acme.directory": setting<string>({
    default: "https://acme-v02.api.letsencrypt.org/directory",
    problem: isDirectory,
    about: "Directory of the certificate authority (RFC 8555).",
  }),
  "acme.email": setting<string>({
    default: "",
    about: "Address that the certificate authority may write to.",
  }),
  "acme.caFile": setting<string>({
    default: "",
    about:
      "PEM file of a root that the directory's own certificate is checked against, for private authorities.",
  }),
  "acme.dnsHook": setting<string>({
    default: "",
    about:
      "Program that sets and removes TXT records for DNS-01, called with `set|remove <record> <value>`; with it one wildcard certificate serves all sites.",
  }),
  "acme.certificatesPerHour": setting<number>({
    default: 30,
    min: 1,
    about:
      "Certificates asked for per hour for visitors, at most; as many again for own names and renewals.",
  }),
  "traffic.days": setting<number>({
    default: 400,
    min: 1,
    about: "Days for which traffic counts are kept.",
  }),
  "traffic.countries": setting<string>({
    default: "",
    about:
      "MaxMind database (.mmdb) that tells the country of an address; without it none is recorded.",
  }),
  "logs.lines": setting<number>({
    default: 1000,
    min: 10,
    max: 100_000,
    about: "Log lines that are kept of a site.",
  }),
  "logs.days": setting<number>({
    default: 7,
    min: 1,
    about: "Days for which log lines of a site are kept.",
  }),
  ...FUNCTION_SETTINGS,
  "session.days": setting<number>({
    default: 30,
    min: 1,
    max: 365,
    about: "Days after which a website session ends when it is not used.",
  }),
  "sweep.graceHours": setting<number>({
    default: 24,
    about: "Hours for which a blob that nothing references is kept.",
  }),
  drainSeconds: setting<number>({
    default: 7,
    max: 600,
    about: "Seconds that requests in flight get to finish after SIGTERM.",
  }),
  logLevel: choice({
    default: "info",
    oneOf: ["info", "warn", "error", "off"],
    about: "Least severe line that is logged; requests are logged at info.",
  }),
};

/** A key of the server's configuration. */
export type ConfigKey = keyof typeof SETTINGS;
