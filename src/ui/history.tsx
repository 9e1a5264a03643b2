import { printableLines } from "#base/names.ts";
import type { Html } from "#html/html.ts";
import { Ago, Badge, Empty } from "#web/ui.tsx";

import { Frame, type Page } from "./frame.tsx";
import { summaryOf } from "./summary.ts";
import type { Task } from "./tasks.ts";

const SHORT = 5;
const WORDS = {
  running: ["running", undefined],
  done: ["done", "good"],
  bad: ["look at it", "warn"],
  failed: ["failed", "bad"],
  cancelled: ["cancelled", undefined],
} as const;

/** `/done`: what was done here since `land ui` was started. */
export function DonePage({ page, tasks }: { page: Page; tasks: readonly Task[] }): Html {
  return (
    <Frame page={page} title="Done here" isMoving={page.running > 0}>
      <div class="page-head">
        <h1>Done here</h1>
      </div>
      {tasks.length === 0 && (
        <Empty title="Nothing yet">
          <p>What you do on these pages is listed here until land ui ends.</p>
        </Empty>
      )}
      <History page={page} tasks={tasks} />
    </Frame>
  );
}

/** Acts, the newest first, each with what came of it. */
export function History(props: {
  page: Page;
  title?: string;
  tasks: readonly Task[];
  isShort?: boolean;
}): Html | null {
  const { page, title, tasks, isShort } = props;
  if (tasks.length === 0) return null;
  return (
    <section class={title && "part"} aria-label={title ?? "What was done"}>
      {title && <h2>{title}</h2>}
      <ul class="packages">
        {tasks.slice(0, isShort ? SHORT : tasks.length).map((task) => (
          <li>
            <div class="package-head">
              <a class="package-name" href={`task?id=${task.id}`}>
                {task.act.title}
              </a>
              <StateBadge task={task} />
            </div>
            <p class="package-facts">
              <span class="told">{summaryOf(task)}</span>
              {!isShort && task.act.dir && (
                <span title={printableLines(task.act.dir)}>{task.act.back.name}</span>
              )}
              <Ago at={task.startedAt.toISOString()} now={page.now} />
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** In a word, what became of an act. */
export function StateBadge({ task }: { task: Task }): Html {
  const [word, kind] = WORDS[task.state];
  return <Badge {...(kind && { kind })}>{word}</Badge>;
}
