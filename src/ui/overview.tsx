import type { Html } from "#html/html.ts";
import { Ago, CodeLine, Empty } from "#web/ui.tsx";

import { Frame, type Page } from "./frame.tsx";
import type { UiProject } from "./model.ts";
import type { Task } from "./tasks.ts";

/** A project, and what its manifest says; undefined where it cannot be read. */
export type ProjectRow = UiProject & { name: string | undefined; version: string | undefined };

/** `/`: the projects that are known. */
export function OverviewPage(props: {
  page: Page;
  rows: readonly ProjectRow[];
  tasks: readonly Task[];
}): Html {
  const { page, rows } = props;
  return (
    <Frame page={page} title="Projects">
      <div class="page-head">
        <h1>Projects</h1>
      </div>
      {rows.length === 0 ? (
        <Empty title="No projects yet">
          <p>A project is known here once something was installed in it:</p>
          <CodeLine code="land install" label="the install command" />
        </Empty>
      ) : (
        <ul class="packages">
          {rows.map((row) => (
            <Row row={row} now={page.now} />
          ))}
        </ul>
      )}
      <TaskList tasks={props.tasks} now={page.now} />
    </Frame>
  );
}

function Row({ row, now }: { row: ProjectRow; now: Date }): Html {
  return (
    <li>
      <div class="package-head">
        <a class="package-name" href={`/project?dir=${encodeURIComponent(row.dir)}`}>
          {row.name ?? row.dir.split("/").at(-1) ?? row.dir}
        </a>
        {row.version && <span class="version">{row.version}</span>}
      </div>
      <p class="package-facts">
        <span class="long">{row.dir}</span> <Ago at={row.lastUsedAt} now={now} />
      </p>
    </li>
  );
}

/** What was done here. */
function TaskList({ tasks, now }: { tasks: readonly Task[]; now: Date }): Html | null {
  if (tasks.length === 0) return null;
  return (
    <section class="part" aria-labelledby="done">
      <h2 id="done">Done here</h2>
      <ul class="plain">
        {tasks.slice(0, 20).map(({ id, act, state, startedAt }) => (
          <li>
            <a href={`/task/${id}`}>{act.title}</a> <span class="soft">{state}</span>{" "}
            <Ago at={startedAt.toISOString()} now={now} />
          </li>
        ))}
      </ul>
    </section>
  );
}
