import type { Html } from "#html/html.ts";

import { ActButton, Frame, type Page, Path, Problem, Token, Typed, Warnings } from "./frame.tsx";
import { StateBadge } from "./history.tsx";
import { Result } from "./results.tsx";
import { kindOf, summaryOf } from "./summary.ts";
import type { Task } from "./tasks.ts";

/** `/task`: what an act does, and what came of it. */
export function TaskPage({ page, task }: { page: Page; task: Task }): Html {
  const { act, told, state } = task;
  const isRunning = state === "running";
  return (
    <Frame page={page} title={act.title} isMoving={isRunning}>
      <p class="crumb">
        <a href={act.back.href}>{act.back.name}</a>
      </p>
      <div class="page-head">
        <h1>{act.title}</h1>
        <StateBadge task={task} />
      </div>
      <p>
        <Typed argv={act.argv} />
        {act.dir && (
          <span class="soft">
            {" in "}
            <Path dir={act.dir} />
          </span>
        )}
      </p>
      {isRunning ? (
        <Running page={page} task={task} />
      ) : (
        <div role="status">
          {told && (told.ok || state === "cancelled") && <p class="lead">{summaryOf(task)}</p>}
          {told && <Warnings warnings={told.warnings} />}
          {told?.ok && <Result argv={act.argv} value={told.value} now={page.now} />}
          {told && !told.ok && state === "failed" && <Problem problem={told.problem} />}
        </div>
      )}
      {!isRunning && <Next page={page} task={task} />}
    </Frame>
  );
}

function Running({ page, task }: { page: Page; task: Task }): Html {
  const { id, act, step, items } = task;
  return (
    <section data-follow={`events?id=${id}&from=${items.length}`}>
      <progress
        aria-label={act.title}
        {...(step?.share !== undefined && { value: step.share })}
        max={1}
      />
      <p data-step aria-live="polite">
        {step?.text ?? "Working"}
      </p>
      <ul class="plain items" data-items>
        {items.map((item) => (
          <li>{item}</li>
        ))}
      </ul>
      <form method="post" action="cancel" class="acts">
        <Token page={page} />
        <input type="hidden" name="id" value={id} />
        <button class="button quiet">Cancel</button>
      </form>
    </section>
  );
}

/** Where to go from here. */
function Next({ page, task }: { page: Page; task: Task }): Html {
  const { act, told, state } = task;
  const wantsYes = told?.ok === false && told.problem.code === "needs_flag" && act.sure;
  const isDamaged = state === "bad" && kindOf(act.argv) === "verify" && act.dir !== undefined;
  return (
    <div class="acts">
      {wantsYes && (
        <ActButton page={page} fields={wantsYes} kind="danger">
          Yes, do it
        </ActButton>
      )}
      {isDamaged && !act.argv.includes("--repair") && (
        <ActButton page={page} fields={{ act: "repair", dir: act.dir ?? "" }}>
          Lay anew what is damaged
        </ActButton>
      )}
      <a class="button quiet" href={act.back.href}>
        {`Back to ${act.back.name}`}
      </a>
    </div>
  );
}
