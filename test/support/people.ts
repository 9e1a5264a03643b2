import { type Actor, identify } from "#accounts/actor.ts";
import { register } from "#accounts/register.ts";
import { createToken } from "#accounts/tokens.ts";
import type { Ctx } from "#store/ctx.ts";

/** The password of everybody whom `signUp` registers. */
export const PASSWORD = "correct horse battery";

/** Somebody with an account: the secret of a login token, and who its requests come from. */
export type Person = { token: string; actor: Actor };

/** Registers `name` on an open server. The first one is admin. */
export async function signUp(ctx: Ctx, name: string): Promise<Person> {
  const input = { username: name, email: `${name}@example.com`, password: PASSWORD };
  const { token } = await register(ctx, input, { userAgent: "land/0.1.0 (test)" });
  return { token, actor: await actorOf(ctx, token) };
}

/** Makes a token of `maker` with some scopes. */
export async function makeToken(ctx: Ctx, maker: Person, ...scopes: string[]): Promise<Person> {
  const { token } = await createToken(ctx, maker.actor, { name: "test", scopes });
  return { token, actor: await actorOf(ctx, token) };
}

/** Who a request with that token comes from, looked up anew. */
export async function actorOf(ctx: Ctx, token: string): Promise<Actor> {
  const actor = await identify(ctx, bearing(token));
  if (!actor) throw new Error("nobody");
  return actor;
}

/** A request with that token. */
export function bearing(token: string): Request {
  return new Request("http://127.0.0.1:5263/", { headers: { authorization: `Bearer ${token}` } });
}

/** The code of the LandError that `work` fails with, or `"done"`. */
export async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return "done";
  } catch (error) {
    return error instanceof Error && "code" in error
      ? String(error.code)
      : `threw ${String(error)}`;
  }
}

/** A JSON object as its members. */
export function parseObject(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null) throw new Error(`not an object: ${text}`);
  return { ...value };
}
