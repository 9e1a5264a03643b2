import { fail, toLandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { createRemote, type Remote } from "#remote/client.ts";
import { CLIENT_SETTINGS } from "#remote/config/model.ts";
import { type Credentials, fileCredentials, findToken, type Home } from "#remote/credentials.ts";
import { parseRegistryUrl, type RegistryUrl } from "#remote/registry-url.ts";

import type { Context } from "./context.ts";

/** The registry of one's own machine is always trusted. */
const LOCAL_REGISTRY = CLIENT_SETTINGS["registry.default"].default;
const LOCK_TIMEOUT_SECONDS = 300;

/** The registry in use, and what is known of the user there. */
export type Connection = {
  remote: Remote;
  registry: RegistryUrl;
  credentials: Credentials;
  /** Where the token comes from that goes with each request; undefined: none goes. */
  tokenFrom: "environment" | "store" | undefined;
};

/**
 * Makes the client of the registry, with the user's token for it. `anonymous` leaves the token at home.
 *
 * @throws name_invalid, credentials_invalid, config_invalid, usage
 */
export async function connect(
  context: Context,
  options: { anonymous?: boolean } = {},
): Promise<Connection> {
  const registry = await registryOf(context);
  const credentials = fileCredentials(homeOf(context));
  const found = options.anonymous ? undefined : await tokenOf(context, registry);
  const remote = remoteWith(context, registry, found?.token);
  return { remote, registry, credentials, tokenFrom: found?.from };
}

/** The client of any registry, with the user's token for it. @throws credentials_invalid, usage */
export async function remoteFor(context: Context, registry: RegistryUrl): Promise<Remote> {
  return remoteWith(context, registry, (await tokenOf(context, registry))?.token);
}

function remoteWith(context: Context, registry: RegistryUrl, token: string | undefined): Remote {
  const { signal, now } = context;
  const onRetry = sayRetry(context);
  return createRemote({ registry, signal, now, onRetry, ...(token !== undefined && { token }) });
}

const CLEAR = "\r\u001B[2K";

/** Tells who waits at a terminal why it takes so long: each trouble once. */
function sayRetry(context: Context): (problem: string) => void {
  const told = new Set<string>();
  return (problem) => {
    if (context.world.stderr.isTTY !== true || told.has(problem)) return;
    told.add(problem);
    // Whatever moves on that line comes back by itself.
    context.say(`${CLEAR}Trying again: ${printable(problem)}`);
  };
}

/**
 * The registries that the user chose, whatever a lock file says: the default one and those of `registry.trusted`.
 *
 * @throws config_invalid
 */
export async function trustedRegistries(context: Context): Promise<RegistryUrl[]> {
  const config = await context.config();
  const all = [config["registry.default"], ...config["registry.trusted"], LOCAL_REGISTRY];
  return [...new Set(all.map(parseRegistryUrl))];
}

/**
 * `--registry`, else the default of the user: `LAND_REGISTRY`, the configuration, the one of this machine. A flag that is there but
 * empty comes from a variable that a script forgot to set: the default would be the wrong place to publish to.
 *
 * @throws usage, config_invalid
 */
export async function registryOf(context: Context): Promise<RegistryUrl> {
  const { registry } = context.globals;
  if (registry !== undefined) return parseNamed(registry, "--registry");
  return parseRegistryUrl((await context.config())["registry.default"]);
}

function parseNamed(text: string, source: string): RegistryUrl {
  try {
    return parseRegistryUrl(text);
  } catch (cause) {
    const { value, problem } = toLandError(cause).data ?? {};
    throw fail("usage", {
      problem: `Cannot use "${String(value)}" for ${source}: ${String(problem)}`,
    });
  }
}

/** The user's token for a registry: LAND_TOKEN only for the one it is meant for. @throws credentials_invalid, config_invalid */
export async function tokenOf(
  context: Context,
  registry: RegistryUrl,
): ReturnType<typeof findToken> {
  const userDefault = parseRegistryUrl((await context.config())["registry.default"]);
  const credentials = fileCredentials(homeOf(context));
  return findToken(registry, { env: context.env, userDefault, credentials });
}

/** Where the client's own files are, and how long to wait for another process. @throws usage */
export function homeOf({ env, landHome, now, world }: Context): Home {
  const text = env["LAND_LOCK_TIMEOUT"];
  const seconds = text ? Number(text) : LOCK_TIMEOUT_SECONDS;
  if (!Number.isFinite(seconds) || seconds < 0)
    throw fail("usage", {
      problem: `Cannot use "${printable(text ?? "")}" for LAND_LOCK_TIMEOUT: it is not a number of seconds`,
    });
  const command = `land ${world.argv.find((word) => !word.startsWith("-")) ?? ""}`.trimEnd();
  return { landHome, command, lockTimeoutMs: seconds * 1000, now };
}
