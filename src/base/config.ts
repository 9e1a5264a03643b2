import { fail, type LandError } from "./errors.ts";
import { type ConfigKey, type Setting, SETTINGS } from "./settings.ts";

/** The server's configuration after all layers, frozen. Units are in the names; see `settings.ts` for each key. */
export type ServerConfig = {
  readonly [K in Exclude<ConfigKey, "registration">]: (typeof SETTINGS)[K]["default"];
} & {
  readonly registration: "open" | "invite" | "closed";
  /** The data folder, absolute. */
  readonly data: string;
};

/** Where each layer's values come from, lowest first: defaults < land.toml < environment < flags. */
export type ConfigSources = {
  /** The data folder, absolute. */
  data: string;
  /** Text of `land.toml` in the data folder, if there is one. */
  toml?: string | undefined;
  env: Readonly<Record<string, string | undefined>>;
  /** Values of the command line by key, as typed. */
  flags: Readonly<Partial<Record<ConfigKey, string>>>;
};

const KEYS = Object.keys(SETTINGS).filter((key): key is ConfigKey => Object.hasOwn(SETTINGS, key));

/**
 * Merges the layers and checks each value.
 *
 * @throws config_invalid for an unknown key in land.toml or a value out of its bounds, naming the source
 */
export function loadConfig(sources: ConfigSources): ServerConfig {
  const file = parseToml(sources.toml);
  const merged: Record<string, unknown> = { data: sources.data };
  for (const key of KEYS) merged[key] = valueOf(key, sources, file);
  const loopback = merged["domain"] === "localhost" && isLoopbackHost(String(merged["host"]));
  if (merged["registration"] === "auto") merged["registration"] = loopback ? "open" : "invite";
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each key went through `check`
  return Object.freeze(merged) as ServerConfig;
}

/** The environment variable of a key: `limits.packedBytes` → `LAND_LIMITS_PACKED_BYTES`. */
export function environmentName(key: ConfigKey): string {
  return `LAND_${key
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .replaceAll(".", "_")
    .toUpperCase()}`;
}

/** The flag of a key, as it is typed: `publicUrl` → `--public-url`. */
function flagOf(key: ConfigKey): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Whether a host to listen on is reached from this machine only. */
export function isLoopbackHost(host: string): boolean {
  return (
    // Nearly all of them: this is asked for every request.
    host === "127.0.0.1" ||
    host === "localhost" ||
    host === "::1" ||
    host === "[::1]" ||
    /^127\.\d+\.\d+\.\d+$/.test(host)
  );
}

function valueOf(
  key: ConfigKey,
  { env, flags }: ConfigSources,
  file: ReadonlyMap<string, unknown>,
): unknown {
  const setting: Setting = SETTINGS[key];
  const fromFlag = flags[key];
  if (fromFlag !== undefined) return check(key, setting, fromFlag, flagOf(key));
  const name = environmentName(key);
  const fromEnv = env[name];
  if (fromEnv !== undefined && fromEnv !== "") return check(key, setting, fromEnv, name);
  if (file.has(key)) return check(key, setting, file.get(key), "land.toml");
  return setting.default;
}

function check(key: string, setting: Setting, value: unknown, source: string): unknown {
  const refuse = (problem: string): never => {
    throw fail("config_invalid", { key, source, problem });
  };
  if (setting.oneOf) {
    if (typeof value === "string" && setting.oneOf.includes(value)) return value;
    return refuse(`use one of ${setting.oneOf.join(", ")}`);
  }
  if (Array.isArray(setting.default)) {
    const list = typeof value === "string" ? value.split(",").map((part) => part.trim()) : value;
    if (Array.isArray(list) && list.every((item) => typeof item === "string"))
      return list.filter((item) => item !== "");
    return refuse("use a list of texts");
  }
  if (typeof setting.default === "number") {
    const number = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
    if (typeof number !== "number" || !Number.isSafeInteger(number))
      return refuse("use a whole number");
    const { min = 0, max = Number.MAX_SAFE_INTEGER } = setting;
    return number >= min && number <= max ? number : refuse(`use ${min} to ${max}`);
  }
  if (typeof value !== "string") return refuse("use a text");
  const problem = setting.problem?.(value);
  return problem ? refuse(problem) : value;
}

function parseToml(text: string | undefined): ReadonlyMap<string, unknown> {
  if (text === undefined) return new Map();
  let tree: object;
  try {
    tree = Bun.TOML.parse(text);
  } catch (cause) {
    throw refuseToml("the file", cause instanceof Error ? cause.message : "it is not TOML");
  }
  const flat = new Map<string, unknown>();
  for (const [key, value] of Object.entries(tree)) {
    if (value !== null && typeof value === "object" && !Array.isArray(value))
      for (const [inner, leaf] of Object.entries(value)) flat.set(`${key}.${inner}`, leaf);
    else flat.set(key, value);
  }
  for (const key of flat.keys())
    if (!Object.hasOwn(SETTINGS, key)) throw refuseToml(key, "there is no such setting");
  return flat;
}

function refuseToml(key: string, problem: string): LandError {
  return fail("config_invalid", { key, source: "land.toml", problem });
}
