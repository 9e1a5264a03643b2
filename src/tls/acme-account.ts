import { eq } from "drizzle-orm";

import type { Ctx } from "#store/ctx.ts";
import { seal, unseal } from "#store/seal.ts";

import { type AcmeClient, type Signer } from "./acme-client.ts";
import { makeAccountKey, openAccountKey, type StoredKey } from "./acme-key.ts";
import { wordsOf } from "./acme-wire.ts";
import { acmeAccounts } from "./tables.ts";

const PURPOSE = "acme account";

/**
 * The account of this server at its authority, made at its first use: that agrees to the authority's terms. `renew` registers the
 * stored key again, where the authority has forgotten the account.
 *
 * @throws certificate_failed
 */
export async function openAccount(
  ctx: Ctx,
  client: AcmeClient,
  { renew = false }: { renew?: boolean } = {},
): Promise<Signer> {
  const directory = ctx.config["acme.directory"];
  const [row] = await ctx.db.read
    .select()
    .from(acmeAccounts)
    .where(eq(acmeAccounts.directory, directory));
  const stored = row && openSealed(ctx, row.sealedKey);
  const text = stored ?? (await makeAccountKey());
  const key = await openAccountKey(text);
  if (row && stored !== undefined && !renew) return { key, account: row.url };
  const account = await registerAccount(ctx, client, { key, account: undefined });
  await saveAccount(ctx, { directory, url: account, text });
  return { key, account };
}

/** The key as text; undefined where the data folder's secret is another one now, so that a new account is made. */
function openSealed(ctx: Ctx, sealed: Uint8Array): StoredKey | undefined {
  try {
    return unseal(ctx.secret, PURPOSE, sealed);
  } catch (cause) {
    ctx.log.warn("acme account unreadable", { cause });
    return undefined;
  }
}

async function registerAccount(ctx: Ctx, client: AcmeClient, signer: Signer): Promise<string> {
  const { newAccount } = await client.directory();
  const email = ctx.config["acme.email"];
  const answer = await client.post(signer, newAccount, {
    termsOfServiceAgreed: true,
    ...(email !== "" && { contact: [`mailto:${email}`] }),
  });
  if (answer.problem)
    throw client.failed(`the authority makes no account: ${wordsOf(answer.problem)}`);
  const url = answer.headers.get("location");
  if (url === null) throw client.failed("the authority does not tell the account's address");
  return new URL(url, newAccount).href;
}

async function saveAccount(
  ctx: Ctx,
  { directory, url, text }: { directory: string; url: string; text: StoredKey },
): Promise<void> {
  const sealedKey = Buffer.from(seal(ctx.secret, PURPOSE, text));
  await ctx.db.transaction((tx) =>
    tx
      .insert(acmeAccounts)
      .values({ directory, url, sealedKey, createdAt: ctx.now() })
      .onConflictDoUpdate({ target: acmeAccounts.directory, set: { url, sealedKey } }),
  );
}
