import type { NewToken, TokenInfo } from "#accounts/model.ts";
import type { Child, Html } from "#html/html.ts";

import type { Frame } from "./layout.tsx";
import { Ago, CodeLine, Csrf, Table } from "./ui.tsx";

/** How long a token may be valid, in days, and in words. */
const LIFETIMES = [
  ["30", "30 days"],
  ["90", "90 days"],
  ["365", "1 year"],
  ["", "No expiry"],
] as const;

/** A token just made: its secret is shown on this page and never again. */
export function NewSecret(props: {
  what: "token" | "key";
  made: NewToken;
  children?: Child;
}): Html {
  const { what, made, children } = props;
  return (
    <div class="secret" role="status">
      <p>
        <strong>
          {what === "key" ? "Key" : "Token"} “{made.name}” is made.
        </strong>{" "}
        Copy it now: it is not shown again.
      </p>
      <CodeLine code={made.token} label={`the ${what}`} />
      {children}
    </div>
  );
}

/** Tokens with a button each that revokes it. `head`: what the columns of scopes and of the end are called. */
export function TokenTable(props: {
  frame: Frame;
  tokens: readonly TokenInfo[];
  what: "token" | "key";
  head: { scopes: string; end: string };
  /** Where the form that revokes one is sent to. */
  revokeAt: (id: string) => string;
}): Html {
  const { frame, tokens, what, head, revokeAt } = props;
  const columns = ["Name", head.scopes, "Made", "Last used", head.end, ""];
  const timeOf = (at: string | null): Child =>
    at === null ? "never" : <Ago at={at} now={frame.now} />;
  return (
    <Table label={what === "key" ? "Keys" : "Tokens"} head={columns} isStacked>
      {tokens.map((one) => (
        <tr>
          <th scope="row">{one.name}</th>
          <td data-label={head.scopes}>
            {one.scopes.map((scope) => (
              <code>{scope} </code>
            ))}
          </td>
          <td data-label="Made">{timeOf(one.createdAt)}</td>
          <td data-label="Last used">{timeOf(one.lastUsedAt)}</td>
          <td data-label={head.end}>{timeOf(one.expiresAt)}</td>
          <td>
            <form method="post" action={revokeAt(encodeURIComponent(one.id))}>
              <Csrf token={frame.csrf} />
              <button class="button small danger" aria-label={`Revoke ${what} ${one.name}`}>
                Revoke
              </button>
            </form>
          </td>
        </tr>
      ))}
    </Table>
  );
}

/** The choice of how long a token is valid; by default 90 days. */
export function Lifetime({ chosen = "90" }: { chosen?: string | undefined }): Html {
  return (
    <div class="field">
      <label for="expiresInDays">Valid for</label>
      <select id="expiresInDays" name="expiresInDays">
        {LIFETIMES.map(([days, label]) => (
          <option value={days} selected={days === chosen}>
            {label}
          </option>
        ))}
      </select>
    </div>
  );
}
