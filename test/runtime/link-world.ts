import { join } from "node:path";

import type { BridgeError, HeaderList, RequestHead } from "#bridge/model.ts";
import { type HostLink, openHostLink } from "#runtime/link/connection.ts";
import type { Meter } from "#runtime/link/meter.ts";
import { createRing, type Ring } from "#runtime/link/ring.ts";
import type { Binding, Tenant } from "#runtime/tenant.ts";

/** A second process at the other end of a link. */
export type Guest = {
  link: HostLink;
  ring: Ring;
  pid: number;
  hello: Promise<void>;
  closed: Promise<BridgeError | undefined>;
  end: () => Promise<void>;
};

/** The one request that counts as given to it. */
const OPEN_REQUEST = "r1";

/** Starts it, not confined. */
export function startGuest(
  options: { tenant?: Partial<Tenant>; bindings?: Binding[]; meter?: Meter; ring?: boolean } = {},
): Guest {
  const ring = createRing();
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "../support/link-guest.ts")], {
    stdio: [
      "ignore",
      "inherit",
      "inherit",
      "socket-fd",
      "socket-fd",
      options.ring === false ? "ignore" : ring.fd,
    ],
  });
  const closed = Promise.withResolvers<BridgeError | undefined>();
  const hello = Promise.withResolvers<void>();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a number, by "socket-fd"
  const [, , , fd, syncFd] = child.stdio as unknown as number[];
  const link = openHostLink({
    link: fd ?? -1,
    sync: syncFd ?? -1,
    ...(options.ring !== false && { ring }),
    tenant: { siteId: 1, site: "blog", deploy: "abcdefghij", ...options.tenant } as Tenant,
    bindings: options.bindings ?? [],
    ...(options.meter && { meter: options.meter }),
    isOpen: (requestId) => requestId === OPEN_REQUEST,
    onControl: () => hello.resolve(),
    onClose: closed.resolve,
  });
  return {
    link,
    ring,
    pid: child.pid,
    hello: hello.promise,
    closed: closed.promise,
    async end() {
      link.close();
      child.kill("SIGKILL");
      await child.exited;
      ring.close();
    },
  };
}

/** A request of a visitor for this path. */
export function ask(path: string, method = "GET", headers: HeaderList = []): RequestHead {
  return { method, url: `http://blog.localhost${path}`, headers, requestId: "r1", address: "" };
}
