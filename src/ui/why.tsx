import { basename } from "node:path";

import { printable } from "#base/names.ts";
import type { Html } from "#html/html.ts";
import { Badge } from "#web/ui.tsx";

import { projectHref } from "./acts.ts";
import { Frame, type Page, Problem } from "./frame.tsx";
import type { Told } from "./model.ts";
import { listOf, objectOf, textOf, type Value } from "./values.ts";

/** `/why`: what needs a package, up to the project, as `land why` tells it. */
export function WhyPage(props: { page: Page; dir: string; name: string; told: Told }): Html {
  const { page, dir, told } = props;
  const name = printable(props.name);
  const why = told.ok ? objectOf(told.value) : {};
  const dependents = listOf(why, "dependents");
  const override = textOf(why, "override");
  return (
    <Frame page={page} title={`Why ${name}`}>
      <p class="crumb">
        <a href="./">Projects</a> / <a href={projectHref(dir)}>{printable(basename(dir))}</a>
      </p>
      <div class="page-head">
        <h1>
          {`Why is ${name} there?`} <span class="version">{textOf(why, "version")}</span>
        </h1>
      </div>
      {!told.ok && <Problem problem={told.problem} />}
      {told.ok && why["installed"] === false && (
        <p class="notice warn">It is not installed: land.lock alone names it.</p>
      )}
      {override !== "" && <p>{`The project overrides what is asked for it: ${override}`}</p>}
      {textOf(why, "member") !== "" && <p>{`It is a member, in ${textOf(why, "member")}.`}</p>}
      {told.ok && dependents.length === 0 && <p>Nothing needs it.</p>}
      {dependents.length > 0 && (
        <>
          <p class="soft">Below a package stand those that need it, with what they ask for.</p>
          <ul class="tree why">
            {dependents.map((node) => (
              <Asker node={node} />
            ))}
          </ul>
        </>
      )}
    </Frame>
  );
}

function Asker({ node }: { node: Value }): Html {
  const folder = textOf(node, "folder");
  const range = textOf(node, "range");
  const again = textOf(node, "again");
  const below = listOf(node, "dependents");
  return (
    <li>
      <strong>{textOf(node, "name") || "this project"}</strong>{" "}
      <span class="version">{textOf(node, "version")}</span>{" "}
      {folder !== "" && <Badge kind="good">{folder === "." ? "the project" : folder}</Badge>}
      {range !== "" && <span class="soft">{` asks for ${range} `}</span>}
      {textOf(node, "kind") === "devDependencies" && <Badge>dev</Badge>}
      {textOf(node, "kind") === "optionalDependencies" && <Badge>optional</Badge>}
      {again !== "" && (
        <span class="soft">{again === "cycle" ? " (cycle)" : " (shown elsewhere)"}</span>
      )}
      {below.length > 0 && (
        <ul class="tree">
          {below.map((next) => (
            <Asker node={next} />
          ))}
        </ul>
      )}
    </li>
  );
}
