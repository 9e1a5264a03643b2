import prettyBytes from "pretty-bytes";

import type { Html } from "#html/html.ts";
import { Badge, Empty } from "#web/ui.tsx";

import { ActButton, Frame, type Page, Problem, Token } from "./frame.tsx";
import type { Told } from "./model.ts";
import { listOf, objectOf, textOf, textsOf, type Value } from "./values.ts";

/** `/store`: what `land store status` tells, with the acts on it. */
export function StorePage({ page, told }: { page: Page; told: Told }): Html {
  return (
    <Frame page={page} title="Store">
      <div class="page-head">
        <h1>Store</h1>
      </div>
      <p class="lead">Each file of each version once, shared by all projects.</p>
      {told.ok ? <Facts value={objectOf(told.value)} /> : <Problem problem={told.problem} />}
      <div class="acts">
        <ActButton page={page} fields={{ act: "prune" }} kind="quiet">
          Prune
        </ActButton>
        <ActButton page={page} fields={{ act: "repair-store" }} kind="quiet">
          Check and repair
        </ActButton>
      </div>
    </Frame>
  );
}

function Facts({ value }: { value: Value }): Html {
  return (
    <dl class="pairs">
      {Object.entries(value)
        .filter(([, fact]) => typeof fact === "number" || typeof fact === "string")
        .map(([key, fact]) => (
          <>
            <dt>{wordsOf(key)}</dt>
            <dd class="long">
              {/Bytes$|^bytes$|Size$/.test(key) && typeof fact === "number"
                ? prettyBytes(fact)
                : String(fact)}
            </dd>
          </>
        ))}
    </dl>
  );
}

/** `sharedBytes` → `Shared`. */
function wordsOf(key: string): string {
  const words = key
    .replace(/Bytes$/, "")
    .replaceAll(/([A-Z])/g, " $1")
    .toLowerCase()
    .trim();
  return words === "" ? "Size" : words.slice(0, 1).toUpperCase() + words.slice(1);
}

/** `/global`: what `land list -g` tells, with the acts on it. */
export function GlobalPage({ page, told }: { page: Page; told: Told }): Html {
  const packages = told.ok ? listOf(told.value, "packages") : [];
  return (
    <Frame page={page} title="Global packages">
      <div class="page-head">
        <h1>Global packages</h1>
      </div>
      {!told.ok && <Problem problem={told.problem} />}
      {told.ok && packages.length === 0 && <Empty title="Nothing is installed for you alone" />}
      <ul class="packages">
        {packages.map((item) => (
          <li>
            <div class="package-head">
              <span class="package-name">{textOf(item, "name")}</span>
              <span class="version">{textOf(item, "version")}</span>
              <ActButton
                page={page}
                fields={{ act: "uninstall-global", name: textOf(item, "name") }}
                kind="quiet"
                isSmall
                label={`Uninstall ${textOf(item, "name")}`}
              >
                Uninstall
              </ActButton>
            </div>
            <p class="package-facts">{`Commands: ${textsOf(item, "bins").join(", ") || "none"}`}</p>
          </li>
        ))}
      </ul>
      <form method="post" action="/act" class="card row">
        <Token page={page} />
        <input type="hidden" name="act" value="install-global" />
        <div class="field">
          <label for="spec">Install a package for you</label>
          <input
            id="spec"
            name="spec"
            required
            maxlength={400}
            autocomplete="off"
            autocapitalize="none"
            spellcheck="false"
          />
        </div>
        <button class="button">Install</button>
      </form>
      {packages.length > 0 && (
        <div class="acts">
          <ActButton page={page} fields={{ act: "update-global" }} kind="quiet">
            Update all
          </ActButton>
        </div>
      )}
    </Frame>
  );
}

/** `/accounts`: the registries, and who is signed in there. */
export function AccountsPage(props: {
  page: Page;
  accounts: readonly { registry: string; user: string | undefined; isDefault: boolean }[];
}): Html {
  return (
    <Frame page={props.page} title="Accounts">
      <div class="page-head">
        <h1>Accounts and registries</h1>
      </div>
      <ul class="packages">
        {props.accounts.map(({ registry, user, isDefault }) => (
          <li>
            <div class="package-head">
              <a class="package-name" href={registry} rel="noreferrer">
                {registry}
              </a>
              {isDefault && <Badge>default</Badge>}
            </div>
            <div class="package-facts">
              {user === undefined ? (
                <span>
                  Not signed in: <code>{`land login --registry ${registry}`}</code>
                </span>
              ) : (
                <>
                  <span>{`Signed in as ${user}`}</span>{" "}
                  <ActButton
                    page={props.page}
                    fields={{ act: "logout", name: registry }}
                    kind="quiet"
                    isSmall
                    label={`Sign out of ${registry}`}
                  >
                    Sign out
                  </ActButton>
                </>
              )}
            </div>
          </li>
        ))}
      </ul>
    </Frame>
  );
}
