import { basename } from "node:path";

import { printable } from "#base/names.ts";

import { AccountsPage } from "./accounts.tsx";
import { GlobalPage } from "./global.tsx";
import { DonePage } from "./history.tsx";
import type { House } from "./house.ts";
import { lookAt, lookAtAll, problemOf } from "./look.ts";
import type { Told } from "./model.ts";
import { Outdated } from "./outdated.tsx";
import { OverviewPage } from "./overview.tsx";
import { ProjectPage } from "./project.tsx";
import { SettingsPage } from "./settings.tsx";
import { missing, pageOf, show, showPart, showProblem } from "./show.tsx";
import { PrunePlan, StorePage } from "./store.tsx";
import { TaskPage } from "./task.tsx";
import { WhyPage } from "./why.tsx";

/** The page of that name. What cannot be read is told on it. */
export async function answerPage(
  house: House,
  request: Request,
  wanted: string,
): Promise<Response> {
  try {
    const page = await homePage(house, request, wanted);
    return page ?? (await projectPage(house, request, wanted));
  } catch (thrown) {
    return showProblem(pageOf(house, wanted), problemOf(thrown));
  }
}

async function homePage(
  house: House,
  request: Request,
  wanted: string,
): Promise<Response | undefined> {
  const { options, tasks, streams } = house;
  const page = pageOf(house, wanted);
  const params = new URL(request.url).searchParams;
  const ask = (...argv: string[]): Promise<Told> =>
    options.invoke(argv, { cwd: options.landHome, signal: request.signal });
  switch (wanted) {
    case "": {
      const projects = await options.projects().then(lookAtAll).catch(problemOf);
      return show(<OverviewPage page={page} projects={projects} />);
    }
    case "task": {
      const task = tasks.find(params.get("id") ?? "");
      return task ? show(<TaskPage page={page} task={task} />) : missing(page);
    }
    case "events": {
      const task = tasks.find(params.get("id") ?? "");
      const from = Number(params.get("from") ?? 0);
      return task
        ? streams.follow(tasks, task.id, Number.isInteger(from) ? from : 0)
        : missing(page);
    }
    case "done":
      return show(<DonePage page={page} tasks={tasks.list()} />);
    case "global":
      return show(<GlobalPage page={page} told={await ask("list", "-g")} />);
    case "store":
      return show(<StorePage page={page} told={await ask("store", "status")} />);
    case "prune-plan": {
      const bounded = await ask("store", "prune", "--dry-run");
      const all = await ask("store", "prune", "--dry-run", "--all");
      const plan = <PrunePlan page={page} bounded={bounded} all={all} />;
      return showPart(request, page, "What a prune would remove", plan);
    }
    case "accounts": {
      const accounts = await options.accounts().catch(problemOf);
      return show(<AccountsPage page={page} accounts={accounts} />);
    }
    case "settings":
      return show(<SettingsPage page={page} told={await ask("config", "list")} />);
    default:
      return undefined;
  }
}

async function projectPage(house: House, request: Request, wanted: string): Promise<Response> {
  const { options, tasks } = house;
  const page = pageOf(house, wanted);
  const params = new URL(request.url).searchParams;
  const dir = params.get("dir");
  const isKnown = (await options.projects()).some((project) => project.dir === dir);
  if (dir === null || !isKnown) return missing(page);
  const ask = (...argv: string[]): Promise<Told> =>
    options.invoke(argv, { cwd: dir, signal: request.signal });
  switch (wanted) {
    case "project": {
      const [look, list] = await Promise.all([lookAt(dir), ask("list")]);
      const own = tasks.list().filter(({ act }) => act.dir === dir);
      return show(<ProjectPage page={page} dir={dir} look={look} list={list} tasks={own} />);
    }
    case "outdated": {
      const part = <Outdated page={page} dir={dir} told={await ask("outdated", "--all")} />;
      return showPart(request, page, `What can be newer in ${printable(basename(dir))}`, part);
    }
    case "why": {
      const name = params.get("name") ?? "";
      const told = await ask("why", "--", name);
      return show(<WhyPage page={page} dir={dir} name={name} told={told} />);
    }
    default:
      return missing(page);
  }
}
