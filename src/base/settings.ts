/** One setting of the server: its default tells its type; its documentation is generated from here. */
export type Setting = {
  default: string | number | readonly string[];
  /** One sentence for docs/configuration.md, with the unit. */
  about: string;
  oneOf?: readonly string[];
  min?: number;
  max?: number;
  /** What is wrong with a text, or undefined. */
  problem?: (value: string) => string | undefined;
};
const setting = <D extends Setting["default"]>(entry: Setting & { default: D }) => entry;
const choice = <const C extends readonly string[]>(
  entry: Setting & { default: C[number]; oneOf: C },
): Setting & { default: C[number] } => entry;

const MB = 1024 * 1024;

const isDomain = (value: string): string | undefined =>
  /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/.test(
    value,
  )
    ? undefined
    : "use a host name in lower case, like example.com";

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
    about: "Addresses of proxies whose Forwarded and X-Forwarded-* headers are believed.",
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
