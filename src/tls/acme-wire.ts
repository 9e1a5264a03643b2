import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";

/** What an ACME authority says, as far as it is read here (RFC 8555 section 7.1). */

const Url = Type.String({ pattern: "^https://", maxLength: 2048 });

/** The addresses of an authority (RFC 8555 section 7.1.1). */
export const Directory = Type.Object({ newNonce: Url, newAccount: Url, newOrder: Url });
export type Directory = Static<typeof Directory>;

/** A refusal (RFC 8555 section 6.7). */
export const Problem = Type.Object({
  type: Type.Optional(Type.String()),
  detail: Type.Optional(Type.String()),
  subproblems: Type.Optional(
    Type.Array(Type.Object({ detail: Type.Optional(Type.String()) }), { maxItems: 1000 }),
  ),
});
export type Problem = Static<typeof Problem>;

/** An order (RFC 8555 section 7.1.3). */
export const Order = Type.Object({
  status: Type.String(),
  authorizations: Type.Array(Url, { maxItems: 100 }),
  finalize: Url,
  certificate: Type.Optional(Url),
  error: Type.Optional(Problem),
});
export type Order = Static<typeof Order>;

const Challenge = Type.Object({
  type: Type.String(),
  url: Url,
  /** Path and DNS safe, as it becomes a part of both. */
  token: Type.Optional(Type.String({ pattern: "^[A-Za-z0-9_-]{16,512}$" })),
  error: Type.Optional(Problem),
});

/** What an account must prove of one name (RFC 8555 section 7.1.4). */
export const Authorization = Type.Object({
  status: Type.String(),
  identifier: Type.Object({ type: Type.Literal("dns"), value: Type.String() }),
  challenges: Type.Array(Challenge, { maxItems: 100 }),
});
export type Authorization = Static<typeof Authorization>;

/** A value of that shape, or undefined where it has another. */
export function readAs<S extends TSchema>(schema: S, value: unknown): Static<S> | undefined {
  return Value.Check(schema, value) ? value : undefined;
}

/** What an authority complains of, in one line. */
export function wordsOf({ type = "", detail, subproblems = [] }: Problem): string {
  const inner = subproblems.flatMap((problem) => problem.detail ?? []).slice(0, 3);
  const short = type.replace(/^urn:ietf:params:acme:error:/, "");
  const text = [detail ?? "no details", ...inner].join("; ");
  return short === "" ? text : `${text} (${short})`;
}
