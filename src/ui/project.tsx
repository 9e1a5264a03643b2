import type { Html } from "#html/html.ts";
import { Badge, countOf, Empty } from "#web/ui.tsx";

import { ActButton, Frame, type Page, Problem, Token } from "./frame.tsx";
import type { Told } from "./model.ts";
import { listOf, objectOf, textOf, textsOf, type Value } from "./values.ts";

/** `/project`: what is installed in one, with the acts on it. `list` is what `land list` tells. */
export function ProjectPage(props: { page: Page; dir: string; list: Told }): Html {
  const { page, dir, list } = props;
  const name = dir.split("/").at(-1) ?? dir;
  return (
    <Frame page={page} title={name}>
      <p class="crumb">
        <a href="/">Projects</a>
      </p>
      <div class="page-head">
        <h1>{name}</h1>
      </div>
      <p class="soft long">{dir}</p>
      <Acts page={page} dir={dir} />
      <section class="part" aria-labelledby="outdated">
        <h2 id="outdated">What can be newer</h2>
        <div data-part={`/project/outdated?dir=${encodeURIComponent(dir)}`} aria-busy={true}>
          <p>
            <a href={`/project/outdated?dir=${encodeURIComponent(dir)}`}>Ask the registries</a>
          </p>
        </div>
      </section>
      {list.ok ? (
        <Installed page={page} dir={dir} list={objectOf(list.value)} />
      ) : (
        <Problem problem={list.problem} />
      )}
    </Frame>
  );
}

function Acts({ page, dir }: { page: Page; dir: string }): Html {
  const acts = [
    ["install", "Install"],
    ["update", "Update within ranges"],
    ["verify", "Verify"],
    ["repair", "Verify and repair"],
    ["audit", "Audit"],
  ] as const;
  return (
    <>
      <div class="acts">
        {acts.map(([act, text], at) => (
          <ActButton page={page} fields={{ act, dir }} {...(at > 0 && { kind: "quiet" as const })}>
            {text}
          </ActButton>
        ))}
      </div>
      <form method="post" action="/act" class="card row">
        <Token page={page} />
        <input type="hidden" name="dir" value={dir} />
        <div class="field">
          <label for="spec">Add a package</label>
          <input
            id="spec"
            name="spec"
            required
            maxlength={400}
            autocomplete="off"
            autocapitalize="none"
            spellcheck="false"
            aria-describedby="spec-hint"
          />
          <p class="hint" id="spec-hint">
            Its name, or name@range.
          </p>
        </div>
        <button class="button" name="act" value="add">
          Add
        </button>
        <button class="button quiet" name="act" value="add-dev">
          Add for development
        </button>
      </form>
    </>
  );
}

function Installed({ page, dir, list }: { page: Page; dir: string; list: Value }): Html {
  const packages = listOf(list, "packages");
  const missing = listOf(list, "missing");
  const nodes = new Map(packages.map((item) => [textOf(item, "name"), item]));
  return (
    <section class="part" aria-labelledby="tree">
      <h2 id="tree">{`Installed: ${countOf(packages.length, "package")}`}</h2>
      {missing.length > 0 && (
        <p class="notice warn">
          {`Not installed, though land.lock names it: ${missing.map((item) => textOf(item, "name")).join(", ")}`}
        </p>
      )}
      {packages.length === 0 && <Empty title="Nothing is installed" />}
      {listOf(list, "projects").map((root) => (
        <Root page={page} dir={dir} root={root} nodes={nodes} />
      ))}
    </section>
  );
}

type Nodes = ReadonlyMap<string, Value>;

function Root(props: { page: Page; dir: string; root: Value; nodes: Nodes }): Html {
  const { page, dir, root, nodes } = props;
  const folder = textOf(root, "folder");
  const drawn = new Set<string>();
  return (
    <>
      {folder !== "" && folder !== "." && <h3>{textOf(root, "name") || folder}</h3>}
      <ul class="tree">
        {listOf(root, "requirements").map((wanted) => {
          const name = textOf(wanted, "name");
          return (
            <li>
              <Node name={name} nodes={nodes} drawn={drawn} range={textOf(wanted, "range")} />{" "}
              {textOf(wanted, "kind") === "devDependencies" && <Badge>dev</Badge>}
              {textOf(wanted, "kind") === "optionalDependencies" && <Badge>optional</Badge>}
              {(folder === "" || folder === ".") && (
                <ActButton
                  page={page}
                  fields={{ act: "remove", dir, name }}
                  kind="quiet"
                  isSmall
                  label={`Remove ${name}`}
                >
                  Remove
                </ActButton>
              )}
            </li>
          );
        })}
      </ul>
    </>
  );
}

/** A package and, to be opened, what it needs. What stands above is not drawn again. */
function Node(props: { name: string; nodes: Nodes; drawn: Set<string>; range?: string }): Html {
  const { name, nodes, drawn, range } = props;
  const node = nodes.get(name);
  const needs = node ? textsOf(node, "dependencies") : [];
  const label = (
    <>
      {name} <span class="version">{node ? textOf(node, "version") : "not installed"}</span>
      {range !== undefined && <span class="soft">{` ${range}`}</span>}
    </>
  );
  if (needs.length === 0) return label;
  if (drawn.has(name))
    return (
      <>
        {label} <span class="soft">(see above)</span>
      </>
    );
  drawn.add(name);
  return (
    <details>
      <summary>{label}</summary>
      <ul class="tree">
        {needs.map((need) => (
          <li>
            <Node name={need} nodes={nodes} drawn={drawn} />
          </li>
        ))}
      </ul>
    </details>
  );
}

/** What `land outdated` tells, with the acts on it. */
export function Outdated(props: { page: Page; dir: string; told: Told }): Html {
  const { page, dir, told } = props;
  if (!told.ok) return <Problem problem={told.problem} />;
  const packages = listOf(told.value, "packages");
  if (packages.length === 0) return <p>All is up to date.</p>;
  return (
    <>
      <div class="table">
        <table>
          <thead>
            <tr>
              <th scope="col">Package</th>
              <th scope="col">Now</th>
              <th scope="col">In range</th>
              <th scope="col">Newest</th>
              <th scope="col">
                <span class="unseen">Acts</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {packages.map((item) => (
              <OutdatedRow page={page} dir={dir} item={item} />
            ))}
          </tbody>
        </table>
      </div>
      <div class="acts">
        <ActButton page={page} fields={{ act: "latest", dir }} kind="quiet">
          Update all to the newest
        </ActButton>
      </div>
    </>
  );
}

function OutdatedRow({ page, dir, item }: { page: Page; dir: string; item: Value }): Html {
  const [name, current, wanted, latest] = ["name", "current", "wanted", "latest"].map((key) =>
    textOf(item, key),
  );
  const deprecated = textOf(item, "deprecated");
  return (
    <tr>
      <th scope="row">
        {name ?? ""} {item["yanked"] === true && <Badge kind="bad">yanked</Badge>}
        {deprecated !== "" && (
          <Badge kind="warn" title={deprecated}>
            deprecated
          </Badge>
        )}
      </th>
      <td>{current ?? ""}</td>
      <td>{wanted ?? ""}</td>
      <td>
        {latest ?? ""} <span class="soft">{textOf(item, "jump")}</span>
      </td>
      <td>
        {wanted !== current && (
          <ActButton
            page={page}
            fields={{ act: "update", dir, name: name ?? "" }}
            isSmall
            label={`Update ${name}`}
          >
            Update
          </ActButton>
        )}
        {latest !== wanted && item["indirect"] !== true && (
          <ActButton
            page={page}
            fields={{ act: "latest", dir, name: name ?? "" }}
            kind="quiet"
            isSmall
            label={`Update ${name} to the newest`}
          >
            Newest
          </ActButton>
        )}
      </td>
    </tr>
  );
}
