import { version } from "#base/build-info.ts";
import { type Check, runCheck } from "#base/check.ts";
import { fail, toLandError } from "#base/errors.ts";
import { runGit } from "#install/git.ts";
import { checkHome, checkLinks, checkLock, checkSpace } from "#install/home-checks.ts";
import { stateFile } from "#install/state.ts";
import { createTransport } from "#remote/client.ts";
import { openKeychain, systemKeychain } from "#remote/keychain.ts";
import {
  checkClock,
  checkGreeting,
  type Greeting,
  greetRegistry,
} from "#remote/registry-checks.ts";
import type { RegistryUrl } from "#remote/registry-url.ts";
import { findRelease, isNewer } from "#remote/upgrade.ts";

import { homeOf, registryOf, tokenOf, travelOf } from "./connect.ts";
import type { Context } from "./context.ts";
import { isOnPath, pathAdvice } from "./global-packages.ts";
import { releaseSource } from "./upgrade.ts";

type Found = Omit<Check, "name">;

/** Looks at everything that the client needs, each thing on its own: one that is bad does not hide the others. */
export async function checkClient(context: Context): Promise<Check[]> {
  const { landHome, cwd, now } = context;
  const mark = Buffer.from(context.world.random(8)).toString("hex");
  const local = await Promise.all([
    runCheck("config", () => checkConfig(context)),
    runCheck("home", () => checkHome(landHome, mark)),
    runCheck("space", () => checkSpace(landHome)),
    runCheck("locks", () => checkLock(landHome, { mark, now })),
    runCheck("links", async () => {
      const link = await context.config().then(
        (config) => config["storage.link"],
        () => "auto" as const,
      );
      return checkLinks(landHome, cwd, { mark, link });
    }),
    runCheck("path", () => checkPath(context)),
    runCheck("git", () => checkGit(context)),
    runCheck("keychain", () => checkKeychain(context)),
    runCheck("proxy", () => checkProxy(context)),
  ]);
  return [...local, ...(await checkRemote(context))];
}

async function checkRemote(context: Context): Promise<Check[]> {
  const registry = await registryOf(context).catch(() => undefined);
  // Without a readable configuration there is no registry to ask; that row says so already.
  if (registry === undefined) return [];
  const [credentials, [reach, clock], upgrade] = await Promise.all([
    runCheck("credentials", () => checkCredentials(context, registry)),
    checkRegistry(context, registry),
    checkUpgrade(context),
  ]);
  return [reach, ...(clock ? [clock] : []), credentials, ...(upgrade ? [upgrade] : [])];
}

/** Whether the registry answers; where it does, also what its clock says of ours. */
async function checkRegistry(
  context: Context,
  registry: RegistryUrl,
): Promise<[reach: Check, clock?: Check]> {
  let greeting: Greeting | undefined;
  const reach = await runCheck("registry", async () => {
    const travel = await travelOf(context);
    const network = { ...travel.network, tries: 1 };
    greeting = await greetRegistry(createTransport({ ...travel, network }), registry);
    return checkGreeting(registry, greeting);
  });
  const told = greeting;
  return told ? [reach, await runCheck("clock", () => checkClock(told))] : [reach];
}

async function checkConfig(context: Context): Promise<Found> {
  await context.config();
  return { status: "ok", detail: "readable" };
}

async function checkCredentials(context: Context, registry: RegistryUrl): Promise<Found> {
  const found = await tokenOf(context, registry);
  if (!found)
    return { status: "ok", detail: "not signed in; needed to publish and deploy: `land login`" };
  const who = found.user === undefined ? "" : ` of ${found.user}`;
  const where = found.from === "environment" ? "from LAND_TOKEN" : "stored";
  return { status: "ok", detail: `a token${who}, ${where}` };
}

async function checkPath(context: Context): Promise<Found> {
  if (isOnPath(context)) return { status: "ok", detail: "has the commands of global packages" };
  const { globals } = await stateFile(homeOf(context)).read();
  if (globals.every(({ bins }) => bins.length === 0))
    return { status: "ok", detail: "no global package needs it" };
  const advice = pathAdvice(context);
  return {
    status: "warn",
    detail: "lacks the commands of global packages",
    hint: advice.charAt(0).toUpperCase() + advice.slice(1),
  };
}

/** A repository without the driver gets conflicts in land.lock that land could merge. */
async function checkGit({ cwd, env, signal }: Context): Promise<Found> {
  const git = { cwd, env, signal };
  const inside = await runGit(git, ["rev-parse", "--is-inside-work-tree"]);
  if (inside === undefined) return { status: "ok", detail: "not installed, and not needed" };
  if (inside.code !== 0) return { status: "ok", detail: "this folder is in no repository" };
  const tracked = await runGit(git, ["ls-files", "--error-unmatch", "land.lock"]);
  if (tracked?.code !== 0) return { status: "ok", detail: "no land.lock is committed here" };
  const driver = await runGit(git, ["config", "--get", "merge.land.driver"]);
  if (driver?.code === 0 && driver.text.trim() !== "")
    return { status: "ok", detail: "land merges land.lock" };
  return {
    status: "warn",
    detail: "conflicts in land.lock are left to you",
    hint: "Run `land lock install-driver`",
  };
}

async function checkKeychain(context: Context): Promise<Found> {
  const { env, ci, landHome, now } = context;
  const enabled = (await context.config())["credentials.keychain"];
  if (!enabled) return { status: "ok", detail: "turned off: tokens are in credentials.json" };
  const keychain = systemKeychain(process.platform);
  const found = await openKeychain({ keychain, enabled, ci, env, landHome, now });
  return {
    status: "ok",
    detail: found ? "works" : "there is none: tokens are in credentials.json, for you alone",
  };
}

async function checkProxy(context: Context): Promise<Found> {
  const { route } = await travelOf(context);
  const proxy = route.proxyOf(await registryOf(context));
  return { status: "ok", detail: proxy === undefined ? "none is used" : `through ${proxy}` };
}

/** Only where a source is configured: nobody is asked unasked. */
async function checkUpgrade(context: Context): Promise<Check | undefined> {
  const source = await releaseSource(context);
  if (source.source === "") return undefined;
  return runCheck("upgrade", async () => {
    try {
      const release = await findRelease(source);
      if (!isNewer(release, version)) return { status: "ok", detail: `${version} is the newest` };
      const detail = `${release.version} is out; this is ${version}`;
      return { status: "warn", detail, hint: "Run `land upgrade`" };
    } catch (thrown) {
      const { code, message, hint } = toLandError(thrown);
      if (code === "cancelled") throw fail("cancelled", {});
      return { status: "warn", detail: message, ...(hint && { hint }) };
    }
  });
}
