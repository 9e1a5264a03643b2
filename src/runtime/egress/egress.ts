import type { ServerConfig } from "#base/config.ts";
import { createTurns } from "#base/turns.ts";
import { BridgeError, type LinkResponse } from "#bridge/model.ts";
import { isOwnHost } from "#sites/domains/domain-host.ts";
import { isServedDomain } from "#sites/domains/domain-served.ts";
import type { Ctx } from "#store/ctx.ts";

import type { Binding } from "../tenant.ts";
import { type AllowLists, createAllowLists } from "./allow-lists.ts";
import { type Fetched, fetchFor } from "./fetch.ts";
import { createGuard } from "./guard.ts";
import { type EgressNote, type Ledger, startLedger } from "./ledger.ts";
import { createResolve, type Resolve } from "./resolve.ts";
import { createSubrequests } from "./subrequests.ts";

/** `fetch` of programs. */
export type Egress = {
  binding: Binding;
  /** Writes the ledger down. */
  flush: () => Promise<void>;
  /** Ends what is open, and writes the ledger down. */
  stop: () => Promise<void>;
};

/** How it asks. */
export type EgressOptions = {
  /** Addresses under which this server is reached, without ports. */
  ownAddresses: () => readonly string[];
  /** Instead of DNS. */
  resolve?: Resolve;
  /** Certificates (PEM) that are trusted instead of the usual ones. */
  ca?: string;
};

/** What stands behind it. */
export type EgressParts = {
  config: ServerConfig;
  now: () => Date;
  /** Takes what happened with each host. */
  ledger: Pick<Ledger, "note">;
  allowOf: AllowLists["of"];
  /** Whether a name leads to this server. */
  isOwnHost: (host: string) => Promise<boolean>;
};

/** Requests of a site at a time, and how many wait for their turn. */
const AT_ONCE = 50;
const WAITING = 500;

/** Makes the `request` of a binding: it answers each `fetch` of a program. @throws config_invalid */
export function createEgress(ctx: Ctx, options: EgressOptions): Egress {
  const { config, now } = ctx;
  const ledger = startLedger(ctx);
  const allowLists = createAllowLists(ctx);
  const fetches = createFetches(
    {
      config,
      now,
      ledger,
      allowOf: allowLists.of,
      isOwnHost: async (host) => isOwnHost(config, host) || isServedDomain(ctx, host),
    },
    options,
  );
  return {
    binding: fetches.binding,
    flush: () => ledger.flush(),
    async stop() {
      fetches.stop();
      allowLists.stop();
      await ledger.stop();
    },
  };
}

/** The same without a database: who keeps account, and what a site may ask, is given. @throws config_invalid */
export function createFetches(
  { config, now, ledger, allowOf, isOwnHost: isOwn }: EgressParts,
  { ownAddresses, resolve, ca }: EgressOptions,
): Pick<Egress, "binding"> & { stop: () => void } {
  const subrequests = createSubrequests(config["functions.subrequests"], now);
  const stopping = new AbortController();
  const turns = createTurns(AT_ONCE, {
    max: WAITING,
    refuse: () =>
      new BridgeError("egress_limit", `Cannot fetch: ${WAITING} requests of the site wait already`),
  });
  const guard = createGuard({
    config,
    resolve: resolve ?? createResolve(config["dns.servers"]),
    ownAddresses,
    isOwnHost: isOwn,
  });
  return {
    binding: {
      async request({ siteId, ...tenant }, head, body, signal) {
        const count = (): void => {
          if (!subrequests(siteId, head.requestId))
            throw new BridgeError("egress_limit", "Cannot fetch: too many requests of one request");
        };
        // Before all else: whoever asks without end is refused at once, and costs little.
        count();
        const allow = await allowOf({ siteId, ...tenant });
        const parts = {
          config,
          guard,
          allow,
          count,
          note: (note: Omit<EgressNote, "siteId">) => ledger.note({ siteId, ...note }),
          ca,
        };
        const ends = [signal, stopping.signal];
        return inTurn(turns, siteId, () => fetchFor(parts, head, body, ends));
      },
    },
    stop: () => stopping.abort(),
  };
}

/** Answers when the head is there, and keeps the turn until the body is gone. */
function inTurn(
  turns: ReturnType<typeof createTurns>,
  siteId: number,
  work: () => Promise<Fetched>,
): Promise<LinkResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<LinkResponse>();
  turns(String(siteId), async () => {
    const { response, done } = await work();
    resolve(response);
    await done;
  }).catch(reject);
  return promise;
}
