import type { Html } from "#html/html.ts";
import { countOf } from "#web/ui.tsx";

import {
  ActButton,
  Frame,
  Later,
  type Page,
  Path,
  Problem,
  SpecField,
  Token,
  Warnings,
} from "./frame.tsx";
import { History } from "./history.tsx";
import type { Look } from "./look.ts";
import type { Told } from "./model.ts";
import { LookBadge, nameOf } from "./overview.tsx";
import { Tree } from "./project-tree.tsx";
import type { Task } from "./tasks.ts";
import { listOf, textOf, type Value } from "./values.ts";

/** `/project`: what is installed in one, with the acts on it. `list` is what `land list` tells. */
export function ProjectPage(props: {
  page: Page;
  dir: string;
  look: Look;
  list: Told;
  tasks: readonly Task[];
}): Html {
  const { page, dir, look, list } = props;
  const here = `dir=${encodeURIComponent(dir)}`;
  const roots = list.ok ? listOf(list.value, "projects") : [];
  return (
    <Frame page={page} title={nameOf(dir, look)}>
      <p class="crumb">
        <a href="./">Projects</a>
      </p>
      <div class="page-head">
        <h1>{nameOf(dir, look)}</h1>
        <LookBadge look={look} />
      </div>
      <p class="soft">
        <Path dir={dir} />
      </p>
      {list.ok ? <TreeWarnings list={list} /> : <Problem problem={list.problem} />}
      <Acts page={page} dir={dir} look={look} />
      <section class="part" aria-labelledby="newer">
        <h2 id="newer">What can be newer</h2>
        <Later href={`outdated?${here}`}>Ask the registries</Later>
      </section>
      {list.ok && (
        <section class="part" aria-labelledby="tree">
          <h2 id="tree">{`Installed: ${countOf(listOf(list.value, "packages").length, "package")}`}</h2>
          <Tree page={page} dir={dir} list={list.value} />
        </section>
      )}
      <AddForm page={page} dir={dir} roots={roots} />
      <History page={page} title="Done to this project" tasks={props.tasks} isShort />
    </Frame>
  );
}

/** What the tree lacks, or has too much. */
function TreeWarnings({ list }: { list: Told & { ok: true } }): Html {
  const names = (key: string): string => listOf(list.value, key).map(labelOf).join(", ");
  const [missing, extraneous] = [names("missing"), names("extraneous")];
  return (
    <Warnings
      warnings={[
        ...(missing === "" ? [] : [`Not installed, though land.lock names it: ${missing}`]),
        ...(extraneous === "" ? [] : [`Installed, though nothing asks for it: ${extraneous}`]),
      ]}
    />
  );
}

function labelOf(item: Value): string {
  return `${textOf(item, "name")} ${textOf(item, "version")}`.trimEnd();
}

function Acts({ page, dir, look }: { page: Page; dir: string; look: Look }): Html {
  const isWhole = look.kind === "there" && look.lock === "fits" && look.missing === 0;
  const acts = [
    ["install", "Install"],
    ["update", "Update within ranges"],
    ["verify", "Verify"],
    ["audit", "Audit"],
  ] as const;
  return (
    <div class="acts">
      {acts.map(([act, text]) => (
        <ActButton
          page={page}
          fields={{ act, dir }}
          {...((isWhole || act !== "install") && { kind: "quiet" as const })}
        >
          {text}
        </ActButton>
      ))}
    </div>
  );
}

function AddForm(props: { page: Page; dir: string; roots: readonly Value[] }): Html {
  const { page, dir, roots } = props;
  return (
    <form method="post" action="act" class="card row">
      <Token page={page} />
      <input type="hidden" name="dir" value={dir} />
      <SpecField label="Add a package" />
      {roots.length > 1 && (
        <div class="field">
          <label for="member">To</label>
          <select id="member" name="member">
            {roots.map((root) => (
              <option value={textOf(root, "folder")}>
                {textOf(root, "folder") === "."
                  ? "the project itself"
                  : textOf(root, "name") || textOf(root, "folder")}
              </option>
            ))}
          </select>
        </div>
      )}
      <div class="buttons">
        <button class="button" name="act" value="add">
          Add
        </button>
        <button class="button quiet" name="act" value="add-dev">
          Add for development
        </button>
      </div>
    </form>
  );
}
