import { resolve } from "node:path";

import type { ConfigKey } from "#base/settings.ts";
import { startServer } from "#server/start.ts";

import { defineCommand, type Outcome } from "./command.ts";
import type { Context } from "./context.ts";

/** The settings that have a flag; all others come from land.toml or the environment. The server reads its variables itself. */
const settings = {
  host: {
    type: "text",
    value: "HOST",
    about: "Address to listen on (default: 127.0.0.1)",
    env: false,
  },
  port: {
    type: "text",
    value: "PORT",
    about: "Port to listen on; 0 picks one (default: 5263)",
    env: false,
  },
  domain: {
    type: "text",
    value: "DOMAIN",
    about: "Domain of the server (default: localhost)",
    env: false,
  },
  sitesDomain: {
    type: "text",
    value: "DOMAIN",
    about: "Domain under which sites stand (default: the domain)",
    env: false,
  },
  tls: {
    type: "text",
    value: "HOW",
    about: "https: off, dev, files or acme",
    oneOf: ["off", "dev", "files", "acme"],
    env: false,
  },
  publicUrl: { type: "text", value: "URL", about: "Address that users see", env: false },
  registration: {
    type: "text",
    value: "WHO",
    about: "Who may make an account: open, invite or closed",
    oneOf: ["auto", "open", "invite", "closed"],
    env: false,
  },
  access: {
    type: "text",
    value: "WHO",
    about: "Who may read packages: public or members",
    oneOf: ["public", "members"],
    env: false,
  },
  trustedProxies: {
    type: "text",
    value: "ADDRESSES",
    about: "Proxies whose X-Forwarded-* headers count, separated by commas",
    env: false,
  },
  logLevel: {
    type: "text",
    value: "LEVEL",
    about: "Least severe log line: info, warn, error or off",
    oneOf: ["info", "warn", "error", "off"],
    env: false,
  },
} as const;

/** Exit code after something was thrown where nobody catches: a service manager starts the server anew. */
const BUG = 70;

/** A server that ends within this time has nothing to explain. */
const PATIENCE_MS = 300;
const DRAINING = "Letting requests in flight finish; a second Ctrl-C or SIGTERM ends at once";

const UNSAFE = `
WARNING: --unsafe-no-sandbox: programs of sites are NOT confined. Each can read and change every file that this server can,
its database and its keys too, and reach every network. Never let anybody but yourself deploy to it.

`;

/** Runs a server until it is told to stop. */
export default defineCommand({
  more: `Runs until it is told to stop. Ctrl-C or SIGTERM lets requests in flight finish first; a second one ends at once.
Settings come from the defaults, then land.toml in the data folder, then LAND_* variables, then flags.`,
  examples: [
    "land serve # on http://127.0.0.1:5263, data in ./land-data",
    "land serve --data /srv/land --port 0 # a free port",
    "land serve --tls dev # https too, signed by an authority of its own",
    "land serve --host 0.0.0.0 --port 80 --domain example.com --tls acme # on a VPS",
    "land serve --domain land.example.com --public-url https://land.example.com # behind a proxy",
  ],
  args: {
    data: { type: "text", value: "DIR", about: "Data folder (default: ./land-data)" },
    ...settings,
    unsafeNoSandbox: {
      type: "boolean",
      about:
        "Run programs of sites with all rights of the server, for development on other systems",
      env: false,
    },
  },
  async run(context, { data, unsafeNoSandbox, ...args }) {
    const { world, json, env } = context;
    const flags: Partial<Record<ConfigKey, string>> = {};
    for (const key of keysOf(settings)) if (args[key] !== undefined) flags[key] = args[key];
    if (unsafeNoSandbox) {
      flags["functions.sandbox"] = "none";
      world.stderr.write(UNSAFE);
    }
    const starting = startServer({
      data: resolve(context.cwd, data ?? "land-data"),
      flags,
      env,
      writeOut: (text) => void (json || world.stdout.write(text)),
      writeErr: (text) => void world.stderr.write(text),
      now: world.now,
      random: world.random,
    });
    const crash = Promise.withResolvers<Outcome>();
    const tellCrash = async (cause: unknown): Promise<void> => {
      const running = await starting.catch(() => undefined);
      running?.logCrash(cause);
      crash.resolve({ value: undefined, exitCode: BUG });
    };
    const off = world.onCrash((cause) => void tellCrash(cause));
    const server = await starting;
    if (json) world.stdout.write(`${JSON.stringify({ url: server.url })}\n`);
    const outcome = await Promise.race([crash.promise, untilToldToStop(context)]);
    const patience = setTimeout(() => context.say(DRAINING), PATIENCE_MS);
    await server.stop();
    clearTimeout(patience);
    off();
    return outcome;
  },
});

/** Resolves at the first signal. The second ends the process. */
async function untilToldToStop({
  takeSignals,
  world,
  signal: stopped,
}: Context): Promise<undefined> {
  if (stopped.aborted) return;
  await new Promise<void>((done) => {
    let told = false;
    takeSignals((signal) => {
      if (told) world.exit(signal === "SIGINT" ? 130 : 143);
      told = true;
      done();
    });
  });
}

function keysOf<T extends object>(table: T): (keyof T)[] {
  return Object.keys(table).filter((key): key is keyof T & string => key in table);
}
