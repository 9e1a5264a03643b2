import { type Html, toText } from "#html/html.ts";
import { PAGE_HEADERS } from "#web/assets.ts";

import { Frame, type Page, Problem } from "./frame.tsx";
import type { House } from "./house.ts";
import type { UiProblem } from "./model.ts";

/** What every page knows, for the one of that name. */
export function pageOf({ options, door, tasks }: House, path: string): Page {
  const running = tasks.list().filter(({ state }) => state === "running").length;
  return { version: options.version, csrf: door.csrf, now: options.now(), path, running };
}

/** A page as an answer. */
export function show(html: Html, status = 200): Response {
  return new Response(toText(html), {
    status,
    headers: { ...PAGE_HEADERS, "cache-control": "no-store", "x-frame-options": "DENY" },
  });
}

/** A part alone for the script of a page, else as a page of its own. */
export function showPart(request: Request, page: Page, title: string, part: Html): Response {
  if (request.headers.get("x-land-part") === "1") return show(part);
  return show(
    <Frame page={page} title={title}>
      <div class="page-head">
        <h1>{title}</h1>
      </div>
      {part}
    </Frame>,
  );
}

/** There is no such page. */
export function missing(page: Page): Response {
  return show(
    <Frame page={page} title="Not found">
      <h1>Not found</h1>
      <p>
        There is no such page here. An act that was begun before land ui was started anew is
        forgotten.
      </p>
      <p>
        <a href="./">See the projects</a>
      </p>
    </Frame>,
    404,
  );
}

/** Something is wrong with what the client keeps, or with what was asked for. */
export function showProblem(page: Page, problem: UiProblem, status = 500): Response {
  return show(
    <Frame page={page} title="Something is wrong">
      <h1>Something is wrong</h1>
      <Problem problem={problem} />
    </Frame>,
    status,
  );
}

/** To another page, relative to the place of all pages. */
export function goTo(location: string): Response {
  return new Response(null, { status: 303, headers: { location, "cache-control": "no-store" } });
}
