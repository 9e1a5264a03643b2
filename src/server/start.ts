import { ensureFirstCode } from "#accounts/invites.ts";
import { fail } from "#base/errors.ts";
import type { ConfigKey } from "#base/settings.ts";
import { createRateLimiter } from "#http/rate.ts";
import { errorCode } from "#store/files.ts";

import { clientAddress } from "./address.ts";
import { createApp } from "./app.ts";
import { addressOf, boot, type Booted } from "./boot.ts";
import { createHandler } from "./handle.ts";

/** What a server is started with. */
export type StartOptions = {
  /** The data folder. */
  data: string;
  /** Settings of the command line by key. */
  flags: Readonly<Partial<Record<ConfigKey, string>>>;
  env: Readonly<Record<string, string | undefined>>;
  /** Takes the one line that tells the address. */
  writeOut: (text: string) => void;
  /** Takes log lines and what the operator must know. */
  writeErr: (text: string) => void;
  now: () => Date;
  random: (bytes: number) => Uint8Array;
};

/** A server that accepts connections. */
export type Running = {
  /** Where it listens, `http://127.0.0.1:5263`. */
  url: string;
  /** Stops listening, lets requests in flight finish for at most `drainSeconds`, then closes the data folder. */
  stop: () => Promise<void>;
  /** Logs what was thrown where nobody catches. The state of the process is then unknown: stop it. */
  logCrash: (cause: unknown) => void;
};

/** Seconds a connection may be silent, in a request or between two. */
const IDLE_SECONDS = 60;

/**
 * Opens the data folder and serves it.
 *
 * @throws lock_busy, config_invalid, data_newer, address_in_use, file_failed
 */
export async function startServer(options: StartOptions): Promise<Running> {
  const booted = await boot({ ...options, writeLog: options.writeErr });
  try {
    return await serve(booted, options);
  } catch (error) {
    await booted.close();
    throw error;
  }
}

async function serve(booted: Booted, options: StartOptions): Promise<Running> {
  const { ctx } = booted;
  const { config } = ctx;
  const handle = createHandler(ctx, createApp(ctx), createRateLimiter(ctx.now));
  const server = listen(config.host, config.port, (request, peer) =>
    handle(
      request,
      clientAddress(peer, request.headers.get("x-forwarded-for"), config.trustedProxies),
    ),
  );
  const url = addressOf(config, server.port ?? config.port);
  booted.setListening(url);
  const code = await ensureFirstCode(ctx);
  if (code !== undefined)
    options.writeErr(`The first account needs this code, and becomes admin: ${code}\n`);
  options.writeOut(`land is listening on ${url}\n`);
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    const deadline = setTimeout(() => void server.stop(true), config.drainSeconds * 1000);
    await server.stop();
    clearTimeout(deadline);
    await booted.close();
  };
  return {
    url,
    stop: () => (stopping ??= stop()),
    logCrash: (cause) => ctx.log.error("crash", { cause }),
  };
}

function listen(
  hostname: string,
  port: number,
  answer: (request: Request, peer: string) => Promise<Response>,
): Bun.Server<undefined> {
  try {
    return Bun.serve({
      hostname: hostname.replace(/^\[|\]$/g, ""),
      port,
      idleTimeout: IDLE_SECONDS,
      development: false,
      // By itself Bun shares the port outside development: a second server would take every other connection.
      reusePort: false,
      // Each route has a limit of its own, refused with a problem; Bun's would close the connection.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      fetch: (request, server) => answer(request, server.requestIP(request)?.address ?? ""),
    });
  } catch (cause) {
    const problem =
      errorCode(cause) === "EADDRINUSE"
        ? "another program has it"
        : cause instanceof Error
          ? cause.message
          : String(cause);
    throw fail("address_in_use", { address: `${hostname}:${port}`, problem }, { cause });
  }
}
