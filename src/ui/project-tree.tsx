import type { Html } from "#html/html.ts";
import { Badge, Empty } from "#web/ui.tsx";

import { ActButton, type Page } from "./frame.tsx";
import { listOf, objectOf, textOf, textsOf, type Value } from "./values.ts";

/** What a tree is drawn from. */
type Drawing = {
  page: Page;
  dir: string;
  /** Packages by name. */
  nodes: ReadonlyMap<string, Value>;
  /** Members of the workspace by name. */
  members: ReadonlyMap<string, Value>;
  /** What stands above already, with what it needs. */
  drawn: Set<string>;
};

function byName(items: readonly Value[]): Map<string, Value> {
  return new Map(items.map((item) => [textOf(item, "name"), item]));
}

/** What `land list` tells of a project, each member of its workspace by itself. */
export function Tree(props: { page: Page; dir: string; list: unknown }): Html {
  const roots = listOf(props.list, "projects");
  const drawing: Drawing = {
    page: props.page,
    dir: props.dir,
    nodes: byName(listOf(props.list, "packages")),
    members: byName(roots.filter((root) => textOf(root, "folder") !== ".")),
    drawn: new Set(),
  };
  if (roots.every((root) => listOf(root, "requirements").length === 0))
    return <Empty title="This project asks for no packages" />;
  return <>{roots.map((root) => Root({ drawing, root, isAlone: roots.length === 1 }))}</>;
}

function Root(props: { drawing: Drawing; root: Value; isAlone: boolean }): Html {
  const { drawing, root, isAlone } = props;
  const folder = textOf(root, "folder");
  const requirements = listOf(root, "requirements");
  const title = folder === "." ? "The project itself" : textOf(root, "name") || folder;
  return (
    <>
      {!isAlone && (
        <h3>
          {title} {folder !== "." && <span class="version">{folder}</span>}
        </h3>
      )}
      {requirements.length === 0 && <p class="soft">It asks for no packages.</p>}
      <ul class="tree top-level">
        {requirements.map((wanted) => (
          <Requirement drawing={drawing} folder={folder} wanted={wanted} />
        ))}
      </ul>
    </>
  );
}

function Requirement(props: { drawing: Drawing; folder: string; wanted: Value }): Html {
  const { drawing, folder, wanted } = props;
  const name = textOf(wanted, "name");
  const kind = textOf(wanted, "kind");
  return (
    <li>
      <div class="requirement">
        <div>
          <Node name={name} drawing={drawing} range={textOf(wanted, "range")} kind={kind} />
        </div>
        <ActButton
          page={drawing.page}
          fields={{
            act: "remove",
            dir: drawing.dir,
            name,
            ...(folder !== "." && { member: folder }),
          }}
          kind="quiet"
          isSmall
          label={`Remove ${name}`}
        >
          Remove
        </ActButton>
      </div>
    </li>
  );
}

/** A package and, to be opened, what it needs. What stands above is not drawn again. */
function Node(props: { name: string; drawing: Drawing; range?: string; kind?: string }): Html {
  const { name, drawing } = props;
  const needs = textsOf(objectOf(drawing.nodes.get(name)), "dependencies");
  const label = <Label {...props} />;
  if (needs.length === 0) return label;
  if (drawing.drawn.has(name))
    return (
      <>
        {label} <span class="soft">(see above)</span>
      </>
    );
  drawing.drawn.add(name);
  return (
    <details>
      <summary>{label}</summary>
      <ul class="tree">
        {needs.map((need) => (
          <li>
            <Node name={need} drawing={drawing} />
          </li>
        ))}
      </ul>
    </details>
  );
}

function Label(props: { name: string; drawing: Drawing; range?: string; kind?: string }): Html {
  const { name, drawing, range, kind } = props;
  const node = drawing.nodes.get(name);
  const member = drawing.members.get(name);
  const why = `why?dir=${encodeURIComponent(drawing.dir)}&name=${encodeURIComponent(name)}`;
  return (
    <>
      <a class="name" href={why} title={`Why is ${name} there?`}>
        {name}
      </a>{" "}
      {node && <span class="version">{textOf(node, "version")}</span>}
      {!node && member && <Badge>member</Badge>}
      {!node && !member && kind !== "optionalDependencies" && (
        <Badge kind="warn">not installed</Badge>
      )}
      {range !== undefined && <span class="soft range">{` asked for as ${range} `}</span>}
      {kind === "devDependencies" && <Badge>dev</Badge>}
      {kind === "optionalDependencies" && <Badge>optional</Badge>}
    </>
  );
}
