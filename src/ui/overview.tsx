import { basename } from "node:path";

import { printableLines } from "#base/names.ts";
import type { Html } from "#html/html.ts";
import { Ago, Badge, CodeLine, countOf, Empty } from "#web/ui.tsx";

import { projectHref } from "./acts.ts";
import { Frame, type Page, Path, Problem, Token } from "./frame.tsx";
import type { Look, Looked } from "./look.ts";
import type { UiProblem } from "./model.ts";

/** `/`: the projects that are known. */
export function OverviewPage(props: { page: Page; projects: readonly Looked[] | UiProblem }): Html {
  const { page, projects } = props;
  return (
    <Frame page={page} title="Projects">
      <div class="page-head">
        <h1>Projects</h1>
      </div>
      {"code" in projects ? (
        <Problem problem={projects} />
      ) : projects.length === 0 ? (
        <Empty title="No projects yet">
          <p>A project is listed here once land has installed something in it:</p>
          <CodeLine code="land install" label="the install command" />
        </Empty>
      ) : (
        <ul class="packages">
          {projects.map((project) => (
            <Row page={page} project={project} />
          ))}
        </ul>
      )}
    </Frame>
  );
}

function Row({ page, project }: { page: Page; project: Looked }): Html {
  const { dir, lastUsedAt, look } = project;
  const isThere = look.kind === "there";
  return (
    <li>
      <div class="package-head">
        {look.kind === "gone" ? (
          <span class="package-name">{nameOf(dir, look)}</span>
        ) : (
          <a class="package-name" href={projectHref(dir)}>
            {nameOf(dir, look)}
          </a>
        )}
        {isThere && look.version && <span class="version">{look.version}</span>}
        <LookBadge look={look} />
      </div>
      <p class="package-facts">
        {isThere && <span>{countOf(look.packages, "package")}</span>}
        {isThere && look.members > 0 && <span>{countOf(look.members, "member")}</span>}
        <Path dir={dir} />
        <span>
          used <Ago at={lastUsedAt} now={page.now} />
        </span>
      </p>
      {look.kind === "gone" && (
        <form method="post" action="forget" class="acts">
          <Token page={page} />
          <input type="hidden" name="dir" value={dir} />
          <button class="button quiet small" aria-label={`Forget ${printableLines(dir)}`}>
            Forget
          </button>
        </form>
      )}
    </li>
  );
}

/** How a project is called: by its manifest, else by its folder. */
export function nameOf(dir: string, look: Look): string {
  const name = look.kind === "there" ? look.name : undefined;
  return name ?? printableLines(basename(dir) || dir);
}

/** In a word, how a project is. */
export function LookBadge({ look }: { look: Look }): Html {
  if (look.kind === "gone") return <Badge kind="warn">its folder is gone</Badge>;
  if (look.kind === "broken")
    return (
      <Badge kind="bad" title={look.problem.detail}>
        cannot be read
      </Badge>
    );
  if (look.lock === "differs") return <Badge kind="warn">land.lock is out of date</Badge>;
  if (look.lock === "none") return <Badge kind="warn">no land.lock yet</Badge>;
  if (look.missing > 0) return <Badge kind="warn">{`${look.missing} not installed`}</Badge>;
  return <Badge kind="good">as land.lock says</Badge>;
}
