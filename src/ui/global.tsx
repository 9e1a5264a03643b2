import type { Html } from "#html/html.ts";
import { Ago, CodeLine, countOf, Empty } from "#web/ui.tsx";

import { ActButton, Frame, type Page, Problem, SpecField, Token, Warnings } from "./frame.tsx";
import type { Told } from "./model.ts";
import { listOf, textOf, textsOf, type Value } from "./values.ts";

/** `/global`: what `land list -g` tells, with the acts on it. */
export function GlobalPage({ page, told }: { page: Page; told: Told }): Html {
  const packages = told.ok ? listOf(told.value, "packages") : [];
  return (
    <Frame page={page} title="Global packages">
      <div class="page-head">
        <h1>Global packages</h1>
      </div>
      <p class="lead">Packages whose commands are yours everywhere, each with a tree of its own.</p>
      {told.ok ? <Warnings warnings={told.warnings} /> : <Problem problem={told.problem} />}
      {told.ok && packages.length === 0 && (
        <Empty title="Nothing is installed for you yet">
          <p>Install a package that brings commands:</p>
          <CodeLine code="land install -g NAME" label="the install command" />
        </Empty>
      )}
      {packages.length > 0 && (
        <>
          <div class="acts">
            <ActButton page={page} fields={{ act: "update-global" }}>
              Update all
            </ActButton>
            <ActButton page={page} fields={{ act: "verify-global" }} kind="quiet">
              Verify all
            </ActButton>
          </div>
          <ul class="packages">
            {packages.map((item) => (
              <Row page={page} item={item} />
            ))}
          </ul>
        </>
      )}
      <form method="post" action="act" class="card row after-list">
        <Token page={page} />
        <input type="hidden" name="act" value="install-global" />
        <SpecField label="Install a package for you" />
        <div class="buttons">
          <button class="button">Install</button>
        </div>
      </form>
    </Frame>
  );
}

function Row({ page, item }: { page: Page; item: Value }): Html {
  const name = textOf(item, "name");
  const bins = textsOf(item, "bins");
  const needs = textsOf(item, "dependencies");
  const installedAt = textOf(item, "installedAt");
  return (
    <li>
      <div class="requirement">
        <div>
          <div class="package-head">
            <span class="package-name">{name}</span>
            <span class="version">{textOf(item, "version")}</span>
            <span class="soft">{textOf(item, "range")}</span>
          </div>
          <p class="package-facts">
            <span>{bins.length === 0 ? "No commands" : `Commands: ${bins.join(", ")}`}</span>
            {needs.length > 0 && <span>{`Needs ${countOf(needs.length, "package")}`}</span>}
            <span class="path">{textOf(item, "registry")}</span>
            {installedAt !== "" && <Ago at={installedAt} now={page.now} />}
          </p>
        </div>
        <ActButton
          page={page}
          fields={{ act: "uninstall-global", name }}
          kind="quiet"
          isSmall
          label={`Uninstall ${name}`}
        >
          Uninstall
        </ActButton>
      </div>
    </li>
  );
}
