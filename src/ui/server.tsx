import { fail } from "#base/errors.ts";
import { errorCode } from "#store/files.ts";
import { findAsset } from "#web/assets.ts";

import { uiScript, uiStyle } from "./assets.ts";
import { createDoor, plain } from "./door.ts";
import type { House } from "./house.ts";
import type { RunningUi, UiOptions } from "./model.ts";
import { answerPage } from "./pages.tsx";
import { findPeer } from "./peer.ts";
import { answerForm } from "./posts.tsx";
import { createStreams } from "./stream.ts";
import { createTasks } from "./tasks.ts";

const MAX_FORM_BYTES = 64 * 1024;
/** The longest that Bun takes; a registry may need that long. */
const IDLE_SECONDS = 255;
/** How long the last answer has to reach the browser. */
const GOODBYE_MS = 300;

/**
 * Serves the pages on 127.0.0.1 to whoever comes by the secret address.
 *
 * @throws address_in_use
 */
export function startUi(options: UiOptions): RunningUi {
  const tasks = createTasks(options.invoke, options);
  const streams = createStreams();
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const opened: { house?: House } = {};
  const server = listen(options.port, async (request, peerPort) =>
    opened.house ? answer(opened.house, request, peerPort) : plain(503, "Not ready yet"),
  );
  const port = server.port ?? 0;
  const door = createDoor(port, options.random);
  opened.house = { options, tasks, streams, door, port, end };
  return {
    url: `http://127.0.0.1:${port}${door.entrance}`,
    port,
    ended,
    async stop() {
      await tasks.stop();
      streams.stop();
      await Promise.race([server.stop(), Bun.sleep(GOODBYE_MS)]);
      await server.stop(true);
    },
  };
}

function listen(
  port: number,
  answerOne: (request: Request, peerPort: number) => Promise<Response>,
): Bun.Server<undefined> {
  try {
    return Bun.serve({
      hostname: "127.0.0.1",
      port,
      reusePort: false,
      idleTimeout: IDLE_SECONDS,
      maxRequestBodySize: MAX_FORM_BYTES,
      fetch: (request, server) => answerOne(request, server.requestIP(request)?.port ?? 0),
      error: () => plain(500, "This page failed; try it again, or the command at a terminal."),
    });
  } catch (cause) {
    const problem =
      errorCode(cause) === "EADDRINUSE" ? "something listens there" : "it is not to be had";
    throw fail("address_in_use", { address: `127.0.0.1:${port}`, problem }, { cause });
  }
}

async function answer(house: House, request: Request, peerPort: number): Promise<Response> {
  const { door, options } = house;
  const isOurs = async (): Promise<boolean> => isUser(options.uid, peerPort, house.port);
  const refused = door.refuse(request) ?? (await door.enter(request, isOurs));
  if (refused) return refused;
  const asset = assetAt(new URL(request.url).pathname);
  if (asset) return asset;
  const wanted = door.wanted(request);
  if (wanted === undefined)
    return plain(403, "Come in by the address that `land ui` printed; it counts once.");
  return request.method === "POST"
    ? answerForm(house, request, wanted)
    : answerPage(house, request, wanted);
}

/** Root comes in anyway, and where land is root itself its user is another. */
async function isUser(uid: number | undefined, peerPort: number, port: number): Promise<boolean> {
  if (uid === undefined || uid === 0) return true;
  const peer = await findPeer(peerPort, port);
  return peer === undefined || peer === uid || peer === 0;
}

function assetAt(pathname: string): Response | undefined {
  const own = [uiScript, uiStyle].find(({ url }) => url === pathname);
  if (own)
    return new Response(own.body, {
      headers: {
        "content-type": own.type,
        "cache-control": "max-age=31536000, immutable",
        "x-content-type-options": "nosniff",
      },
    });
  const shared = findAsset(pathname);
  return shared && new Response(shared.body, { headers: shared.headers });
}
