import { basename } from "node:path";

import { fail } from "#base/errors.ts";
import { type Html, toText } from "#html/html.ts";
import { isMap, readJson } from "#pack/json.ts";
import { errorCode, readTextIfAny } from "#store/files.ts";
import { findAsset, PAGE_HEADERS } from "#web/assets.ts";

import { actOf } from "./acts.ts";
import { uiScript, uiStyle } from "./assets.ts";
import { createDoor, type Door, plain } from "./door.ts";
import { Frame, type Page } from "./frame.tsx";
import { AccountsPage, GlobalPage, StorePage } from "./home-pages.tsx";
import type { RunningUi, UiOptions, UiProject } from "./model.ts";
import { OverviewPage, type ProjectRow } from "./overview.tsx";
import { Outdated, ProjectPage } from "./project.tsx";
import { TaskPage } from "./task.tsx";
import { createTasks, type Tasks } from "./tasks.ts";

/** Everything that a request may need. */
type House = { options: UiOptions; tasks: Tasks; door: Door; end: () => void };

const MAX_FORM_BYTES = 64 * 1024;
const HEARTBEAT_MS = 10_000;

/**
 * Serves the pages on 127.0.0.1 to whoever comes by the secret address.
 *
 * @throws address_in_use
 */
export function startUi(options: UiOptions): RunningUi {
  const tasks = createTasks(options.invoke, options);
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const house: { current?: House } = {};
  const server = listen(options.port, async (request) =>
    house.current ? answer(house.current, request) : plain(503, "Not ready yet"),
  );
  const port = server.port ?? 0;
  const door = createDoor(port, options.random);
  house.current = { options, tasks, door, end };
  return {
    url: `http://127.0.0.1:${port}${door.entrance}`,
    port,
    ended,
    async stop() {
      await tasks.stop();
      await server.stop(true);
    },
  };
}

function listen(
  port: number,
  fetch: (request: Request) => Promise<Response>,
): Bun.Server<undefined> {
  try {
    return Bun.serve({
      hostname: "127.0.0.1",
      port,
      reusePort: false,
      idleTimeout: 0,
      maxRequestBodySize: MAX_FORM_BYTES,
      fetch,
      error: () => plain(500, "This page failed. Look at the terminal where `land ui` runs."),
    });
  } catch (cause) {
    const problem =
      errorCode(cause) === "EADDRINUSE" ? "something listens there" : "it is not to be had";
    throw fail("address_in_use", { address: `127.0.0.1:${port}`, problem }, { cause });
  }
}

async function answer(house: House, request: Request): Promise<Response> {
  const { door } = house;
  const refused = door.refuse(request) ?? door.enter(request);
  if (refused) return refused;
  const { pathname } = new URL(request.url);
  const asset = assetAt(pathname);
  if (asset) return asset;
  if (!door.isInside(request)) return plain(403, "Come in by the address that `land ui` printed.");
  return request.method === "POST" ? post(house, request, pathname) : get(house, request, pathname);
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

async function get(house: House, request: Request, pathname: string): Promise<Response> {
  const { options, tasks } = house;
  const page = pageOf(house, pathname);
  const params = new URL(request.url).searchParams;
  const task = /^\/task\/([\w-]+)(\/events)?$/.exec(pathname);
  if (task) {
    const found = tasks.find(task[1] ?? "");
    if (!found) return missing(page);
    return task[2] === undefined
      ? show(<TaskPage page={page} task={found} />)
      : follow(tasks, found.id);
  }
  const home = { cwd: options.landHome, signal: request.signal };
  switch (pathname) {
    case "/":
      return show(<OverviewPage page={page} rows={await rowsOf(options)} tasks={tasks.list()} />);
    case "/project":
    case "/project/outdated": {
      const dir = await knownDir(options, params.get("dir"));
      if (dir === undefined) return missing(page);
      const about = { cwd: dir, signal: request.signal };
      if (pathname === "/project")
        return show(
          <ProjectPage page={page} dir={dir} list={await options.invoke(["list"], about)} />,
        );
      const told = await options.invoke(["outdated"], about);
      return showPart(
        request,
        page,
        `What can be newer in ${basename(dir)}`,
        <Outdated page={page} dir={dir} told={told} />,
      );
    }
    case "/store":
      return show(<StorePage page={page} told={await options.invoke(["store", "status"], home)} />);
    case "/global":
      return show(<GlobalPage page={page} told={await options.invoke(["list", "-g"], home)} />);
    case "/accounts":
      return show(<AccountsPage page={page} accounts={await options.accounts()} />);
    default:
      return missing(page);
  }
}

async function post(house: House, request: Request, pathname: string): Promise<Response> {
  const { tasks, options, door } = house;
  const form = await request.formData().catch(() => undefined);
  const field = (name: string): string | undefined => {
    const value = form?.get(name);
    return typeof value === "string" ? value : undefined;
  };
  if (!door.isOurs(field("csrf") ?? "")) return plain(403, "This form is not one of ours.");
  const cancelled = /^\/task\/([\w-]+)\/cancel$/.exec(pathname)?.[1];
  if (cancelled !== undefined) {
    tasks.find(cancelled)?.cancel();
    return goTo(`/task/${cancelled}`);
  }
  if (pathname === "/quit") {
    house.end();
    return plain(200, "land ui has ended; this page can be closed.");
  }
  if (pathname !== "/act") return plain(404, "There is no such form.");
  const dirs = new Set((await options.projects()).map(({ dir }) => dir));
  const act = actOf({ get: field }, dirs);
  if (!act) return plain(422, "This form asks for nothing that land ui does.");
  return goTo(`/task/${tasks.start(act).id}`);
}

/** What goes on in a task, as it happens. */
function follow(tasks: Tasks, id: string): Response {
  const encoder = new TextEncoder();
  let off: (() => void) | undefined;
  let beat: Timer | undefined;
  const stop = (): void => {
    off?.();
    clearInterval(beat);
  };
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      const tell = (): void => {
        const task = tasks.find(id);
        const over = task?.state !== "running";
        const data = over ? "{}" : JSON.stringify(task.step);
        controller.enqueue(encoder.encode(`event: ${over ? "end" : "step"}\ndata: ${data}\n\n`));
        if (!over) return;
        stop();
        controller.close();
      };
      off = tasks.watch(id, tell);
      beat = setInterval(
        () => controller.enqueue(encoder.encode(": still here\n\n")),
        HEARTBEAT_MS,
      );
      beat.unref();
      tell();
    },
    cancel: stop,
  });
  return new Response(stream, {
    headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
  });
}

function pageOf({ options, door }: House, path: string): Page {
  return { version: options.version, csrf: door.csrf, now: options.now(), path };
}

async function knownDir(
  { projects }: UiOptions,
  wanted: string | null,
): Promise<string | undefined> {
  return (await projects()).find(({ dir }) => dir === wanted)?.dir;
}

async function rowsOf({ projects }: UiOptions): Promise<ProjectRow[]> {
  return Promise.all((await projects()).map(rowOf));
}

/** Name and version as a manifest says; one that cannot be read is told on the project's own page. */
async function rowOf(project: UiProject): Promise<ProjectRow> {
  for (const file of ["land.json", "package.json"]) {
    const text = await readTextIfAny(`${project.dir}/${file}`).catch(() => undefined);
    const read = text === undefined ? undefined : readJson(text);
    if (!read || "problem" in read || !isMap(read.value)) continue;
    const { name, version } = read.value;
    return {
      ...project,
      name: typeof name === "string" ? name : undefined,
      version: typeof version === "string" ? version : undefined,
    };
  }
  return { ...project, name: undefined, version: undefined };
}

function show(html: Html, status = 200): Response {
  return new Response(toText(html), {
    status,
    headers: { ...PAGE_HEADERS, "cache-control": "no-store" },
  });
}

/** A part alone for the script of a page, else as a page of its own. */
function showPart(request: Request, page: Page, title: string, part: Html): Response {
  if (
    request.headers.get("sec-fetch-mode") !== "navigate" &&
    request.headers.get("accept") === "text/html"
  )
    return show(part);
  return show(
    <Frame page={page} title={title}>
      <div class="page-head">
        <h1>{title}</h1>
      </div>
      {part}
    </Frame>,
  );
}

function missing(page: Page): Response {
  return show(
    <Frame page={page} title="Not found">
      <h1>Not found</h1>
      <p>There is no such page here.</p>
    </Frame>,
    404,
  );
}

function goTo(location: string): Response {
  return new Response(null, { status: 303, headers: { location, "cache-control": "no-store" } });
}
