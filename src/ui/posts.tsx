import { type Html, raw } from "#html/html.ts";
import { logoAsset, styleAsset } from "#web/assets.ts";

import { actOf } from "./acts.ts";
import { plain } from "./door.ts";
import type { House } from "./house.ts";
import { problemOf } from "./look.ts";
import { goTo, missing, pageOf, show, showProblem } from "./show.tsx";

/** What a form of ours asks for is done, and its page is shown. */
export async function answerForm(
  house: House,
  request: Request,
  wanted: string,
): Promise<Response> {
  const { tasks, options, door, end } = house;
  const form = await request.formData().catch(() => undefined);
  const field = (name: string): string | undefined => {
    const value = form?.get(name);
    return typeof value === "string" ? value : undefined;
  };
  if (!door.isOurs(field("csrf") ?? "")) return plain(403, "This form is not one of ours.");
  try {
    switch (wanted) {
      case "act":
        return await begin(house, field);
      case "cancel": {
        const task = tasks.find(field("id") ?? "");
        task?.cancel();
        return task ? goTo(`task?id=${task.id}`) : missing(pageOf(house, wanted));
      }
      case "forget":
        await options.forget(field("dir") ?? "");
        return goTo("./");
      case "quit":
        end();
        return show(<Goodbye />);
      default:
        return plain(404, "There is no such form.");
    }
  } catch (thrown) {
    return showProblem(pageOf(house, wanted), problemOf(thrown));
  }
}

async function begin(house: House, field: (name: string) => string | undefined): Promise<Response> {
  const { options, tasks } = house;
  const dirs = new Set((await options.projects()).map(({ dir }) => dir));
  const act = actOf({ get: field }, dirs);
  if (act) return goTo(`task?id=${tasks.start(act).id}`);
  const detail = "Cannot do what this form asks for: a name is no word, or begins with a dash";
  const problem = { code: "usage", detail, hint: "Give a name, name@range or name@tag" };
  return showProblem(pageOf(house, ""), problem, 422);
}

/** The last page. The browser has its files already: nobody serves them any more. */
function Goodbye(): Html {
  return (
    <>
      {raw("<!doctype html>\n")}
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <title>land ui has ended</title>
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <link rel="icon" href={logoAsset.url} type="image/svg+xml" />
          <link rel="stylesheet" href={styleAsset.url} />
        </head>
        <body>
          <main class="page">
            <h1>land ui has ended</h1>
            <p>
              This page can be closed. <code>land ui</code> at a terminal opens another.
            </p>
          </main>
        </body>
      </html>
    </>
  );
}
