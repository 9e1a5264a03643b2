import type { NewToken, TokenInfo } from "#accounts/model.ts";
import type { Html } from "#html/html.ts";

import type { Frame } from "./layout.tsx";
import type { TokenForm } from "./settings.tsx";
import { Ago, CodeLine, Csrf, Empty, Field, FormProblem, Table } from "./ui.tsx";

/** The scopes that the form offers, in words. */
const OFFERED = [
  ["read", "Read packages that need an account"],
  ["publish", "Publish versions of your packages"],
  ["yank", "Yank and deprecate versions"],
  ["deploy", "Deploy to your sites"],
] as const;
const LIFETIMES = [
  ["30", "30 days"],
  ["90", "90 days"],
  ["365", "1 year"],
  ["", "No expiry"],
] as const;

type TokensProps = {
  frame: Frame;
  tokens: readonly TokenInfo[];
  newToken?: NewToken | undefined;
  tokenForm?: TokenForm | undefined;
};

/** Tokens of an account: the list, the one just made, and the form for another. */
export function Tokens({ frame, tokens, newToken, tokenForm }: TokensProps): Html {
  return (
    <section class="part" aria-labelledby="tokens">
      <h2 id="tokens">Tokens</h2>
      <p class="soft">A token lets a program act for you, as far as its scopes go.</p>
      {newToken && (
        <div class="secret" role="status">
          <p>
            <strong>Token “{newToken.name}” is made.</strong> Copy it now: it is not shown again.
          </p>
          <CodeLine code={newToken.token} label="the token" />
        </div>
      )}
      {tokens.length === 0 ? (
        <Empty title="No tokens">
          <p>
            <code>land login</code> makes one for this computer; for a CI make one below.
          </p>
        </Empty>
      ) : (
        <TokenTable frame={frame} tokens={tokens} />
      )}
      <MakeToken frame={frame} form={tokenForm} />
    </section>
  );
}

function TokenTable({ frame, tokens }: { frame: Frame; tokens: readonly TokenInfo[] }): Html {
  const { now, csrf } = frame;
  return (
    <Table label="Tokens" head={["Name", "Scopes", "Made", "Last used", "Expires", ""]} isStacked>
      {tokens.map((one) => (
        <tr>
          <th scope="row">{one.name}</th>
          <td data-label="Scopes">
            {one.scopes.map((scope) => (
              <code>{scope} </code>
            ))}
          </td>
          <td data-label="Made">
            <Ago at={one.createdAt} now={now} />
          </td>
          <td data-label="Last used">
            {one.lastUsedAt === null ? "never" : <Ago at={one.lastUsedAt} now={now} />}
          </td>
          <td data-label="Expires">
            {one.expiresAt === null ? "never" : <Ago at={one.expiresAt} now={now} />}
          </td>
          <td>
            <form method="post" action={`/settings/tokens/${encodeURIComponent(one.id)}/revoke`}>
              <Csrf token={csrf} />
              <button class="button small danger" aria-label={`Revoke token ${one.name}`}>
                Revoke
              </button>
            </form>
          </td>
        </tr>
      ))}
    </Table>
  );
}

function MakeToken({ frame, form }: { frame: Frame; form: TokenForm | undefined }): Html {
  const { values, problems } = form ?? {};
  return (
    <form class="card" method="post" action="/settings/tokens">
      <h3>Make a token</h3>
      <FormProblem problems={problems} />
      <Csrf token={frame.csrf} />
      <Field
        name="name"
        label="Name"
        value={values?.name}
        problems={problems}
        maxlength={64}
        autocomplete="off"
        hint="Where it will be used, for example “CI of greet”."
        required
      />
      <ScopeChoice form={form} />
      <Field
        name="narrow"
        label="Narrower scopes"
        value={values?.narrow}
        problems={problems}
        maxlength={512}
        autocomplete="off"
        hint="Separated by spaces: publish:left, publish:@ada/*, deploy:blog"
      />
      <div class="field">
        <label for="expiresInDays">Valid for</label>
        <select id="expiresInDays" name="expiresInDays">
          {LIFETIMES.map(([days, label]) => (
            <option value={days} selected={days === (values?.expiresInDays ?? "90")}>
              {label}
            </option>
          ))}
        </select>
      </div>
      <button class="button">Make token</button>
    </form>
  );
}

function ScopeChoice({ form }: { form: TokenForm | undefined }): Html {
  const problem = form?.problems.fields?.["scopes"];
  return (
    <fieldset aria-describedby={problem ? "scopes-problem" : undefined}>
      <legend>Scopes</legend>
      {OFFERED.map(([scope, label]) => (
        <label class="choice">
          <input
            type="checkbox"
            name="scopes"
            value={scope}
            checked={form?.values.scopes.includes(scope) === true}
          />
          <span>
            <code>{scope}</code> {label}
          </span>
        </label>
      ))}
      {problem && (
        <p class="problem" id="scopes-problem">
          {problem}
        </p>
      )}
    </fieldset>
  );
}
