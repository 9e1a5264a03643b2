import { fail, toLandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { noteChange } from "#install/freshness.ts";
import type { Remote, RemoteOptions } from "#remote/client.ts";
import type { ClientConfig } from "#remote/config/model.ts";
import { type Credentials, findToken, type Home } from "#remote/credentials.ts";
import { keychainCredentials } from "#remote/keychain-credentials.ts";
import { openKeychain } from "#remote/keychain.ts";
import type { NetworkOptions } from "#remote/network.ts";
import { parseRegistryUrl, type RegistryUrl } from "#remote/registry-url.ts";
import type { Route } from "#remote/route.ts";

import type { Context } from "./context.ts";
import { loadSettings } from "./settings.ts";

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
  const credentials = credentialsOf(context);
  const found = options.anonymous ? undefined : await tokenOf(context, registry);
  const remote = await remoteWith(context, registry, found?.token);
  return { remote, registry, credentials, tokenFrom: found?.from };
}

/** The client of any registry, with the user's token for it; one for each. @throws credentials_invalid, config_invalid */
export function remoteFor(context: Context, registry: RegistryUrl): Promise<Remote> {
  const { remotes } = waysOf(context);
  const known = remotes.get(registry);
  if (known) return known;
  const remote = tokenOf(context, registry).then((found) =>
    remoteWith(context, registry, found?.token),
  );
  remotes.set(registry, remote);
  return remote;
}

async function remoteWith(
  context: Context,
  registry: RegistryUrl,
  token: string | undefined,
): Promise<Remote> {
  const { createRemote } = await import("#remote/client.ts");
  return createRemote({
    registry,
    ...(await travelOf(context)),
    onChange: () => noteChange(context.landHome, context.now()),
    ...(token !== undefined && { token }),
  });
}

/** How requests of a command travel, to registries and elsewhere. @throws config_invalid */
export async function travelOf(
  context: Context,
): Promise<Required<Pick<RemoteOptions, "network" | "route" | "signal" | "now" | "onRetry">>> {
  const config = await context.config();
  const ways = waysOf(context);
  const { createRoute } = await import("#remote/route.ts");
  ways.route ??= createRoute({
    proxy: config["network.proxy"],
    noProxy: config["network.noProxy"],
    ca: config["network.ca"],
    env: context.env,
  });
  const { signal, now } = context;
  return { network: networkOf(config), route: ways.route, signal, now, onRetry: ways.onRetry };
}

function networkOf(config: ClientConfig): NetworkOptions {
  return {
    connectTimeoutMs: config["network.connectSeconds"] * 1000,
    answerTimeoutMs: config["network.answerSeconds"] * 1000,
    idleTimeoutMs: config["network.idleSeconds"] * 1000,
    tries: config["network.tries"],
    waitMs: config["network.waitSeconds"] * 1000,
  };
}

/** What all requests of a command share: connections that are kept open, clients, and which troubles were told. */
type Ways = {
  credentials?: Credentials;
  route?: Route;
  remotes: Map<RegistryUrl, Promise<Remote>>;
  onRetry: (problem: string) => void;
};
const waysByContext = new WeakMap<Context, Ways>();

function waysOf(context: Context): Ways {
  const known = waysByContext.get(context);
  if (known) return known;
  const ways: Ways = { remotes: new Map(), onRetry: sayRetry(context) };
  waysByContext.set(context, ways);
  return ways;
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
 * The registries that the user chose, whatever a lock file says: the default one, with the configured one where `LAND_REGISTRY` takes
 * its place, and those of `registry.trusted`.
 *
 * @throws config_invalid
 */
export async function trustedRegistries(context: Context): Promise<RegistryUrl[]> {
  const config = await context.config();
  const all = [config["registry.default"], ...config["registry.trusted"]];
  if (context.env["LAND_REGISTRY"])
    all.push((await loadSettings({ ...context, env: {} })).config["registry.default"]);
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
  const credentials = credentialsOf(context);
  return findToken(registry, { env: context.env, userDefault, credentials });
}

/** Where the tokens of the user are: in the keychain of the system where it works, else in a file. @throws usage */
function credentialsOf(context: Context): Credentials {
  const ways = waysOf(context);
  const { env, ci, landHome, now, world } = context;
  return (ways.credentials ??= keychainCredentials(homeOf(context), {
    open: async () => {
      const { "credentials.keychain": enabled } = await context.config();
      return openKeychain({ keychain: world.keychain, enabled, ci, env, landHome, now });
    },
    onTrouble: context.warn,
  }));
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
