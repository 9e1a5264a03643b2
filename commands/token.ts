import { LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import type { Remote } from "#remote/client.ts";

import { askText } from "./ask.ts";
import { defineCommand } from "./command.ts";
import { connect } from "./connect.ts";
import type { Context } from "./context.ts";
import { renderTable, shorten } from "./render.ts";
import { parseCount } from "./spec.ts";

/** Makes a token and prints its secret, this once. */
export const create = defineCommand({
  more: `The secret is shown this once; a program gives it as LAND_TOKEN.
Scopes: account, read, publish, publish:<name or @scope/*>, yank, deploy, deploy:<site>, site:<site>, stats:<site>, admin.`,
  examples: [
    "land token create --name ci --scope publish --expires-in-days 30",
    "land token create --name bot --scope publish:@ada/* --scope read",
    "land token create --name grace --scope deploy:blog # a deploy key: it deploys that site, and no more",
  ],
  args: {
    name: { type: "text", value: "NAME", about: "What it is for" },
    scope: { type: "list", value: "SCOPE", about: "What it may do" },
    expiresInDays: {
      type: "text",
      value: "DAYS",
      about: "When it ends; never later than the token that makes it",
    },
  },
  async run(context, args) {
    const name = args.name ?? (await askText(context, questions.name));
    const asked = args.scope.length > 0 ? "" : await askText(context, questions.scope);
    const scopes = [...args.scope, ...asked.split(/[\s,]+/).filter((scope) => scope !== "")];
    const days = args.expiresInDays;
    const { remote } = await connect(context);
    const made = await remote.createToken({
      name,
      scopes,
      ...(days !== undefined && { expiresInDays: parseCount("--expires-in-days", days, 3650) }),
    });
    const end = made.expiresAt === null ? "" : ` that ends ${day(made.expiresAt)}`;
    context.say(`Made the token "${printable(made.name)}"${end}; its secret is shown this once`);
    await warnOfUnknownSites(context, remote, scopes);
    return { value: { id: made.id, token: made.token }, text: made.token };
  },
});

/** A key for a site that is not there deploys nothing: the name may be mistyped. */
async function warnOfUnknownSites(
  context: Context,
  remote: Remote,
  scopes: readonly string[],
): Promise<void> {
  const named = scopes.flatMap((scope) => /^(?:deploy|site|stats):(.+)$/.exec(scope)?.[1] ?? []);
  for (const site of new Set(named)) {
    const problem = await remote.readSite(site).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (problem instanceof LandError && problem.code === "site_not_found")
      context.warn(`You have no site "${printable(site)}" yet`);
  }
}

const questions = {
  name: { flag: "--name", what: "the name of the token", message: "What is it for" },
  scope: {
    flag: "--scope",
    what: "what the token may do",
    message: "What may it do (scopes, with spaces between)",
  },
};

/** Lists the tokens of the account, without their secrets. */
export const list = defineCommand({
  examples: ["land token list --json"],
  args: {},
  async run(context) {
    const { remote } = await connect(context);
    const items = await remote.listTokens();
    const rows = items.map((token) => [
      token.id,
      shorten(token.name, 40),
      shorten(token.scopes.join(" "), 60),
      `made ${day(token.createdAt)}`,
      token.lastUsedAt === null ? "never used" : `used ${day(token.lastUsedAt)}`,
      token.expiresAt === null ? "" : `ends ${day(token.expiresAt)}`,
    ]);
    return { value: { items }, text: renderTable(rows) };
  },
});

/** Revokes a token by its id. */
export const revoke = defineCommand({
  examples: ["land token revoke tok_1a2b3c # the id that `land token list` shows"],
  args: { id: { type: "one", about: "Id of the token, as in `land token list`" } },
  async run(context, { id }) {
    const { remote } = await connect(context);
    await remote.revokeToken(id);
    context.say(`Revoked the token ${id}`);
    return { value: { id } };
  },
});

/** `2026-03-01`. */
function day(time: string): string {
  return time.slice(0, 10);
}
