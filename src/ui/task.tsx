import type { Html } from "#html/html.ts";
import { Badge } from "#web/ui.tsx";

import { Frame, type Page, Problem, Token, Typed } from "./frame.tsx";
import type { Task } from "./tasks.ts";
import { listOf, objectOf, textOf, type Value } from "./values.ts";

const WORDS = {
  running: ["running", undefined],
  done: ["done", "good"],
  failed: ["failed", "bad"],
  cancelled: ["cancelled", "warn"],
} as const;

/** `/task/:id`: what an act does, and what came of it. */
export function TaskPage({ page, task }: { page: Page; task: Task }): Html {
  const isRunning = task.state === "running";
  const [word, kind] = WORDS[task.state];
  return (
    <Frame page={page} title={task.act.title} isMoving={isRunning}>
      <div class="page-head">
        <h1>{task.act.title}</h1>
        <Badge {...(kind && { kind })}>{word}</Badge>
      </div>
      <p>
        {task.act.commands.map((argv) => (
          <Typed argv={argv} />
        ))}
        {task.act.dir && <span class="soft long">{` in ${task.act.dir}`}</span>}
      </p>
      {isRunning && <Running page={page} task={task} />}
      {task.told.map(({ told }) =>
        told.ok ? <Result value={told.value} /> : <Problem problem={told.problem} />,
      )}
      <p>
        <a class="button quiet" href={task.act.back}>
          Back
        </a>
      </p>
    </Frame>
  );
}

function Running({ page, task }: { page: Page; task: Task }): Html {
  return (
    <section data-follow={`/task/${task.id}/events`} aria-live="polite">
      <progress aria-label={task.act.title} />
      <p data-step>{task.step}</p>
      <form method="post" action={`/task/${task.id}/cancel`} class="inline">
        <Token page={page} />
        <button class="button quiet">Cancel</button>
      </form>
    </section>
  );
}

/** What a command left, as far as it is made of what pages know: changes of packages; else as it is. */
function Result({ value }: { value: unknown }): Html {
  const told = objectOf(value);
  const changes = [
    ...listOf(told, "added").map((item) => ["added", item] as const),
    ...listOf(told, "removed").map((item) => ["removed", item] as const),
    ...listOf(told, "changed").map((item) => ["changed", item] as const),
  ];
  if (Array.isArray(told["added"]) && changes.length === 0) return <p>Nothing had to be done.</p>;
  if (changes.length > 0)
    return (
      <ul class="plain">
        {changes.map(([word, item]) => (
          <li>
            <Badge {...(word === "added" && { kind: "good" as const })}>{word}</Badge>{" "}
            {`${textOf(item, "name")} ${textOf(item, "version")}`}
            {textOf(item, "from") !== "" && (
              <span class="soft">{` was ${textOf(item, "from")}`}</span>
            )}
          </li>
        ))}
      </ul>
    );
  return <Raw told={told} />;
}

function Raw({ told }: { told: Value }): Html {
  return (
    <pre tabindex={0}>
      <code>{JSON.stringify(told, null, 2)}</code>
    </pre>
  );
}
