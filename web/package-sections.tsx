import type { Html } from "#html/html.ts";
import type { DependentPage, Package, Version } from "#registry/model.ts";

import { Ago, Badge, Bytes, countOf, Empty, packagePath, Table } from "./ui.tsx";

const FIRST_VERSIONS = 10;
const KINDS = { normal: "", optional: "optional", peer: "peer" } as const;

/** What a version needs, by kind. */
export function Dependencies({ version }: { version: Version }): Html {
  const groups = [
    ["Dependencies", version.dependencies],
    ["Optional dependencies", version.optionalDependencies],
    ["Peer dependencies", version.peerDependencies],
  ] as const;
  const filled = groups.filter(([, ranges]) => Object.keys(ranges).length > 0);
  return (
    <section id="dependencies" class="part">
      {filled.length === 0 && (
        <>
          <h2>Dependencies</h2>
          <Empty title="None: this version needs no other package" />
        </>
      )}
      {filled.map(([label, ranges]) => (
        <>
          <h2>{label}</h2>
          <ul class="ranges">
            {Object.entries(ranges).map(([name, range]) => (
              <li>
                <a href={packagePath(name)}>{name}</a> <code>{range}</code>
              </li>
            ))}
          </ul>
        </>
      ))}
    </section>
  );
}

/** Which packages need this one. */
export function Dependents({ name, page }: { name: string; page: DependentPage }): Html {
  return (
    <section id="dependents" class="part">
      <h2>Dependents</h2>
      {page.items.length === 0 ? (
        <Empty title="None yet: no package here depends on it" />
      ) : (
        <ul class="ranges">
          {page.items.map((item) => (
            <li>
              <a href={packagePath(item.name)}>{item.name}</a> <code>{item.range}</code>
              {KINDS[item.kind] !== "" && <Badge>{KINDS[item.kind]}</Badge>}
            </li>
          ))}
        </ul>
      )}
      {page.next !== null && (
        <p>
          <a href={`${packagePath(name)}?dependents=${encodeURIComponent(page.next)}#dependents`}>
            More dependents →
          </a>
        </p>
      )}
    </section>
  );
}

type VersionsProps = { package: Package; shown: string; now: Date };

/** All versions, the newest open and the rest behind a fold. */
export function Versions(props: VersionsProps): Html {
  const { versions } = props.package;
  const rest = versions.slice(FIRST_VERSIONS);
  return (
    <section id="versions" class="part">
      <h2>Versions</h2>
      <VersionTable {...props} items={versions.slice(0, FIRST_VERSIONS)} />
      {rest.length > 0 && (
        <details>
          <summary>{countOf(rest.length, "older version")}</summary>
          <VersionTable {...props} items={rest} />
        </details>
      )}
    </section>
  );
}

function VersionTable(props: VersionsProps & { items: readonly Version[] }): Html {
  const { package: pkg, items, now } = props;
  const tagsOf = (version: string): string[] =>
    Object.keys(pkg.tags).filter((tag) => pkg.tags[tag] === version);
  return (
    <Table label="Versions" head={["Version", "Published", "By", "Size", "Unpacked"]}>
      {items.map((one) => (
        <tr class={one.yanked && "yanked"}>
          <th scope="row">
            <a
              href={packagePath(pkg.name, one.version)}
              aria-current={one.version === props.shown ? "true" : undefined}
            >
              {one.version}
            </a>{" "}
            <VersionMarks version={one} tags={tagsOf(one.version)} />
          </th>
          <td>
            <Ago at={one.publishedAt} now={now} />
          </td>
          <td>{one.publishedBy ?? "–"}</td>
          <td>
            <Bytes value={one.sizeBytes} />
          </td>
          <td>
            <Bytes value={one.unpackedBytes} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

function VersionMarks({ version, tags }: { version: Version; tags: readonly string[] }): Html {
  return (
    <>
      {tags.map((tag) => (
        <Badge kind="good">{tag}</Badge>
      ))}
      {version.version.includes("-") && <Badge>pre-release</Badge>}
      {version.yanked && <Badge kind="bad">yanked</Badge>}
      {version.deprecated !== null && (
        <Badge kind="warn" title={version.deprecated}>
          deprecated
        </Badge>
      )}
    </>
  );
}
