import type { Child, Html } from "#html/html.ts";
import { Ago, Badge, Table } from "#web/ui.tsx";

import { kindOf } from "./summary.ts";
import { listOf, objectOf, textOf, textsOf, type Value } from "./values.ts";

/** What a command left, beyond the sentence that tells of it; null where that was all. */
export function Result(props: { argv: readonly string[]; value: unknown; now: Date }): Html | null {
  const value = objectOf(props.value);
  switch (kindOf(props.argv)) {
    case "changes":
      return <Changes value={value} />;
    case "verify":
      return <Verified value={value} />;
    case "audit":
      return <Audited value={value} />;
    case "prune":
      return <Pruned value={value} now={props.now} />;
    case "repair":
      return <Repaired value={value} />;
    case "setting":
      return textOf(value, "file") === "" ? null : (
        <p class="soft path">{`In ${textOf(value, "file")}`}</p>
      );
    case "logout":
    case undefined:
      break;
  }
  return null;
}

function Changes({ value }: { value: Value }): Html {
  const rows = [
    ...listOf(value, "added").map((item) => [item, "added", "good"] as const),
    ...listOf(value, "changed").map((item) => [item, "changed", "warn"] as const),
    ...listOf(value, "removed").map((item) => [item, "removed", "bad"] as const),
  ];
  const bins = listOf(value, "bins").map((bin) => textOf(bin, "command"));
  const linked = textsOf(value, "linked");
  const manifest = listOf(value, "manifest");
  const behind = listOf(value, "behind");
  return (
    <>
      {rows.length > 0 && (
        <Table label="What changed" head={["Package", "Version", "Before"]}>
          {rows.map(([item, word, kind]) => (
            <tr>
              <th scope="row">
                {textOf(item, "name")} <Badge kind={kind}>{word}</Badge>
              </th>
              <td>{word === "removed" ? "" : textOf(item, "version")}</td>
              <td>{word === "removed" ? textOf(item, "version") : textOf(item, "from")}</td>
            </tr>
          ))}
        </Table>
      )}
      {manifest.length > 0 && (
        <>
          <h2>In the manifest</h2>
          <ul>
            {manifest.map((change) => (
              <li>{manifestLine(change)}</li>
            ))}
          </ul>
        </>
      )}
      {behind.length > 0 && (
        <>
          <h2>Not at the newest</h2>
          <ul>
            {behind.map((item) => (
              <li>
                {`${textOf(item, "name")} stays at ${textOf(item, "version")}, the newest is ${textOf(item, "latest")}: ${textOf(item, "reason")}`}
              </li>
            ))}
          </ul>
        </>
      )}
      {linked.length > 0 && <p>{`Members linked: ${linked.join(", ")}`}</p>}
      {bins.length > 0 && (
        <p>
          Commands: <code>{bins.join(" ")}</code>
        </p>
      )}
    </>
  );
}

function manifestLine(change: Value): string {
  const [name, from, to, folder] = ["name", "from", "to", "folder"].map((key) =>
    textOf(change, key),
  );
  const place = folder === "." || folder === "" ? "" : ` of ${folder}`;
  const kind = textOf(change, "kind") === "devDependencies" ? " for development" : "";
  if (from === "") return `${name}${place}: asks for ${to} now${kind}`;
  return to === "" ? `${name}${place}: no longer asked for` : `${name}${place}: ${from} → ${to}`;
}

function Verified({ value }: { value: Value }): Html {
  const problems = listOf(value, "problems");
  const notes = listOf(value, "notes");
  const byPackage = Map.groupBy(problems, (item) => textOf(item, "package"));
  return (
    <>
      {[...byPackage].map(([name, own]) => (
        <section class="found">
          <h2>{name === "" ? "In the tree itself" : name}</h2>
          <ul>
            {own.map((item) => (
              <li>
                {pathOf(item)} {textOf(item, "problem")}
              </li>
            ))}
          </ul>
        </section>
      ))}
      {notes.length > 0 && (
        <section class="found">
          <h2>Good to know</h2>
          <ul>
            {notes.map((item) => (
              <li>
                <code class="path">{textOf(item, "path")}</code> {textOf(item, "note")}
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

/** Where it is: a path in the package, or its folder. */
function pathOf(item: Value): Child {
  const path = textOf(item, "path");
  return path === "." ? "Its folder" : <code class="path">{path}</code>;
}

function Audited({ value }: { value: Value }): Html {
  const packages = listOf(value, "packages");
  return (
    <Table
      label="What registries tell"
      head={["Package", "Version", "Signature", "Told"]}
      isStacked
    >
      {packages
        .toSorted((a, b) => findingsOf(b).length - findingsOf(a).length)
        .map((item) => (
          <tr>
            <th scope="row">{textOf(item, "name")}</th>
            <td data-label="Version">{textOf(item, "version")}</td>
            <td data-label="Signature">
              <Signature item={item} />
            </td>
            <td data-label="Told">{findingsOf(item).length === 0 ? "—" : findingsOf(item)}</td>
          </tr>
        ))}
    </Table>
  );
}

function Signature({ item }: { item: Value }): Html {
  const signature = objectOf(item["signature"]);
  const status = textOf(signature, "status");
  const by = textOf(item, "publishedBy");
  const kind = item["ok"] === false ? "bad" : status === "valid" ? "good" : "warn";
  return (
    <>
      <Badge kind={kind}>{status === "unsigned" ? "not signed" : status}</Badge>
      {by !== "" && <span class="soft">{` by ${by}`}</span>}
      {textOf(signature, "why") !== "" && <p class="soft">{textOf(signature, "why")}</p>}
    </>
  );
}

function findingsOf(item: Value): Child[] {
  const deprecated = textOf(item, "deprecated");
  const newer = textOf(item, "newer");
  const isBad = item["yanked"] === true || deprecated !== "";
  return [
    item["yanked"] === true && <Badge kind="bad">yanked</Badge>,
    item["tooNew"] === true && <Badge kind="warn">too new</Badge>,
    deprecated !== "" && <Badge kind="warn">deprecated</Badge>,
    deprecated !== "" && <p class="soft">{deprecated}</p>,
    isBad && (
      <p class="soft">
        {newer === "" ? "There is no other version." : `The newest that is neither: ${newer}`}
      </p>
    ),
  ].filter((one) => one !== false);
}

/** What a prune took, or with `dryRun` would take. */
export function Pruned({ value, now }: { value: Value; now: Date }): Html {
  const packages = listOf(value, "packages");
  const forgotten = textsOf(value, "forgotten");
  return (
    <>
      {packages.length > 0 && (
        <Table label="Packages" head={["Package", "Last used"]}>
          {packages.map((item) => (
            <tr>
              <th scope="row">
                {textOf(item, "name") || `${textOf(item, "digest").slice(0, 19)}…`}{" "}
                <span class="version">{textOf(item, "version")}</span>
              </th>
              <td>
                <Ago at={textOf(item, "usedAt")} now={now} />
              </td>
            </tr>
          ))}
        </Table>
      )}
      {forgotten.length > 0 && (
        <>
          <p>Projects whose folder is gone:</p>
          <ul>
            {forgotten.map((dir) => (
              <li class="path">{dir}</li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

function Repaired({ value }: { value: Value }): Html | null {
  const rows = [
    ...listOf(value, "lost").map((item) => [item, "lost", "bad"] as const),
    ...listOf(value, "repaired").map((item) => [item, "made anew", "good"] as const),
  ];
  if (rows.length === 0) return null;
  return (
    <>
      <Table label="What was found" head={["Package", "State"]}>
        {rows.map(([item, word, kind]) => (
          <tr>
            <th scope="row">
              {textOf(item, "name") || `${textOf(item, "digest").slice(0, 19)}…`}{" "}
              <span class="version">{textOf(item, "version")}</span>
            </th>
            <td>
              <Badge kind={kind}>{word}</Badge>
            </td>
          </tr>
        ))}
      </Table>
      {listOf(value, "lost").length > 0 && (
        <p>What is lost is fetched again by the next install of a project that needs it.</p>
      )}
    </>
  );
}
