import type { Html } from "#html/html.ts";
import { Badge, countOf, Table } from "#web/ui.tsx";

import { ActButton, type Page, Problem, Warnings } from "./frame.tsx";
import type { Told } from "./model.ts";
import { listOf, numberOf, objectOf, textOf, type Value } from "./values.ts";

/** What `land outdated` tells of a project, with the acts on it. */
export function Outdated(props: { page: Page; dir: string; told: Told }): Html {
  const { page, dir, told } = props;
  if (!told.ok) return <Problem problem={told.problem} />;
  const packages = listOf(told.value, "packages");
  const checked = numberOf(objectOf(told.value), "checked") ?? 0;
  const isPast = packages.some((item) => textOf(item, "latest") !== textOf(item, "wanted"));
  const isNewer = packages.some((item) => textOf(item, "wanted") !== textOf(item, "current"));
  return (
    <>
      <Warnings warnings={told.warnings} />
      {packages.length === 0 ? (
        <p>
          {checked === 0
            ? "Nothing is installed."
            : `All is up to date (${countOf(checked, "package")}).`}
        </p>
      ) : (
        <Table
          label="What can be newer"
          head={["Package", "Now", "In range", "Newest", "Acts"]}
          isStacked
        >
          {packages.map((item) => (
            <Row page={page} dir={dir} item={item} />
          ))}
        </Table>
      )}
      <div class="acts">
        {isNewer && (
          <ActButton page={page} fields={{ act: "update", dir }}>
            Update all within ranges
          </ActButton>
        )}
        {isPast && (
          <ActButton page={page} fields={{ act: "latest", dir }} kind="quiet">
            Update all to the newest
          </ActButton>
        )}
      </div>
    </>
  );
}

function Row({ page, dir, item }: { page: Page; dir: string; item: Value }): Html {
  const name = textOf(item, "name");
  const [current, wanted, latest] = ["current", "wanted", "latest"].map((key) => textOf(item, key));
  const deprecated = textOf(item, "deprecated");
  const jump = textOf(item, "jump");
  const isDirect = item["indirect"] !== true;
  return (
    <tr>
      <th scope="row">
        {name}{" "}
        {item["yanked"] === true && (
          <Badge kind="bad" title="Nobody new gets this version">
            yanked
          </Badge>
        )}
        {deprecated !== "" && <Badge kind="warn">deprecated</Badge>}
        {deprecated !== "" && <p class="soft">{deprecated}</p>}
      </th>
      <td data-label="Now">{current}</td>
      <td data-label="In range">{wanted === current ? "—" : wanted}</td>
      <td data-label="Newest">
        {latest === current ? "—" : latest}{" "}
        {jump !== "" && <Badge {...(jump === "major" && { kind: "warn" as const })}>{jump}</Badge>}
      </td>
      <td class="row-acts">
        {wanted !== current && (
          <ActButton
            page={page}
            fields={{ act: "update", dir, name }}
            isSmall
            label={`Update ${name} to ${wanted}`}
          >
            Update
          </ActButton>
        )}
        {latest !== wanted && isDirect && (
          <ActButton
            page={page}
            fields={{ act: "latest", dir, name }}
            kind="quiet"
            isSmall
            label={`Update ${name} to the newest, ${latest}`}
          >
            Newest
          </ActButton>
        )}
      </td>
    </tr>
  );
}
