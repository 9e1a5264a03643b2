import type { NewToken, TokenInfo } from "#accounts/model.ts";
import type { Html } from "#html/html.ts";

import type { Frame } from "./layout.tsx";
import type { TokenForm } from "./settings.tsx";
import { Lifetime, NewSecret, TokenTable } from "./token-parts.tsx";
import { Csrf, Empty, Field, FormProblem } from "./ui.tsx";

/** The scopes that the form offers, in words. */
const OFFERED = [
  ["read", "Read packages that need an account"],
  ["publish", "Publish versions of your packages"],
  ["yank", "Yank and deprecate versions"],
  ["deploy", "Deploy to your sites"],
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
      {newToken && <NewSecret what="token" made={newToken} />}
      {tokens.length === 0 ? (
        <Empty title="No tokens">
          <p>
            <code>land login</code> makes one for this computer; for a CI make one below.
          </p>
        </Empty>
      ) : (
        <TokenTable
          frame={frame}
          tokens={tokens}
          what="token"
          head={{ scopes: "Scopes", end: "Expires" }}
          revokeAt={(id) => `/settings/tokens/${id}/revoke`}
        />
      )}
      <MakeToken frame={frame} form={tokenForm} />
    </section>
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
      <Lifetime chosen={values?.expiresInDays} />
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
