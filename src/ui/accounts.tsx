import { printable } from "#base/names.ts";
import type { Html } from "#html/html.ts";
import { Badge, CodeLine } from "#web/ui.tsx";

import { ActButton, Frame, type Page, Problem } from "./frame.tsx";
import type { UiAccount, UiProblem } from "./model.ts";

/** `/accounts`: the registries, and who is signed in there. */
export function AccountsPage(props: {
  page: Page;
  accounts: readonly UiAccount[] | UiProblem;
}): Html {
  const { page, accounts } = props;
  return (
    <Frame page={page} title="Accounts">
      <div class="page-head">
        <h1>Accounts and registries</h1>
      </div>
      <p class="lead">
        The registries that you trust, and those where you are signed in. Passwords and tokens are
        typed at a terminal, never here.
      </p>
      {"code" in accounts ? (
        <Problem problem={accounts} />
      ) : (
        <ul class="packages">
          {accounts.map((account) => (
            <Row page={page} account={account} />
          ))}
        </ul>
      )}
    </Frame>
  );
}

function Row({ page, account }: { page: Page; account: UiAccount }): Html {
  const { registry, user, isDefault } = account;
  return (
    <li>
      <div class="package-head">
        <a class="package-name" href={registry} rel="noreferrer noopener" target="_blank">
          {registry}
        </a>
        {isDefault && <Badge kind="good">default</Badge>}
      </div>
      {user === undefined ? (
        <>
          <p class="package-facts">Not signed in. To sign in, run:</p>
          <CodeLine code={`land login --registry ${registry}`} label={`the login at ${registry}`} />
        </>
      ) : (
        <div class="requirement">
          <p class="package-facts">{`Signed in as ${printable(user)}`}</p>
          <ActButton
            page={page}
            fields={{ act: "logout", name: registry }}
            kind="quiet"
            isSmall
            label={`Sign out of ${registry}`}
          >
            Sign out
          </ActButton>
        </div>
      )}
    </li>
  );
}
