import { type Static, Type } from "@sinclair/typebox";

/** Shapes of the account API. The only file of this feature that the client may see. */

/** What a token may do, as protocol.md "Tokens" lists. A name may follow the colon. */
export const SCOPES = ["account", "read", "publish", "yank", "deploy", "admin"] as const;

/** `account`, `publish`, `publish:left`, `publish:@ada/*`, `deploy:blog`, `site:blog`, `stats:blog`… */
export const Scope = Type.String({
  pattern:
    "^(?:account|read|publish|yank|deploy|admin|publish:(?:@[a-z0-9][a-z0-9._-]*/(?:\\*|[a-z0-9][a-z0-9._-]*)|[a-z0-9][a-z0-9._-]*)|(?:deploy|site|stats):[a-z0-9](?:-?[a-z0-9])*)$",
  maxLength: 128,
});

export const User = Type.Object({
  name: Type.String(),
  email: Type.String(),
  admin: Type.Boolean(),
  createdAt: Type.String({ format: "date-time" }),
});
export type User = Static<typeof User>;

export const RegisterBody = Type.Object({
  username: Type.String(),
  email: Type.String({ maxLength: 254 }),
  password: Type.String({ maxLength: 1024 }),
  code: Type.Optional(Type.String({ maxLength: 128 })),
});
export type RegisterBody = Static<typeof RegisterBody>;

export const LoginBody = Type.Object({
  username: Type.String({ maxLength: 254 }),
  password: Type.String({ maxLength: 1024 }),
});
export type LoginBody = Static<typeof LoginBody>;

/** Answer of register and login: `token` is shown this once. */
export const SignedIn = Type.Object({ user: User, token: Type.String() });
export type SignedIn = Static<typeof SignedIn>;

export const Me = Type.Object({
  user: User,
  /** null: signed in by the website's session. */
  token: Type.Union([
    Type.Object({ name: Type.String(), scopes: Type.Array(Type.String()) }),
    Type.Null(),
  ]),
});
export type Me = Static<typeof Me>;

export const TokenInfo = Type.Object({
  id: Type.String(),
  name: Type.String(),
  scopes: Type.Array(Type.String()),
  createdAt: Type.String({ format: "date-time" }),
  expiresAt: Type.Union([Type.String({ format: "date-time" }), Type.Null()]),
  lastUsedAt: Type.Union([Type.String({ format: "date-time" }), Type.Null()]),
});
export type TokenInfo = Static<typeof TokenInfo>;

export const TokenBody = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 64 }),
  scopes: Type.Array(Scope, { minItems: 1, maxItems: 32 }),
  expiresInDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 3650 })),
});
export type TokenBody = Static<typeof TokenBody>;

/** A new token: `token` is the secret, shown this once. */
export const NewToken = Type.Composite([TokenInfo, Type.Object({ token: Type.String() })]);
export type NewToken = Static<typeof NewToken>;

export const SigningKey = Type.Object({
  /** `ed25519:<base64url of 32 bytes>`. */
  key: Type.String(),
  name: Type.String(),
  createdAt: Type.String({ format: "date-time" }),
});
export type SigningKey = Static<typeof SigningKey>;

export const SigningKeyBody = Type.Object({
  key: Type.String({ maxLength: 64 }),
  name: Type.Optional(Type.String({ maxLength: 64 })),
});

export const Invite = Type.Object({
  id: Type.String(),
  note: Type.String(),
  createdAt: Type.String({ format: "date-time" }),
  expiresAt: Type.Union([Type.String({ format: "date-time" }), Type.Null()]),
  usedBy: Type.Union([Type.String(), Type.Null()]),
});
export type Invite = Static<typeof Invite>;

export const InviteBody = Type.Object({ note: Type.Optional(Type.String({ maxLength: 128 })) });

/** A new invitation: `code` is shown this once. */
export const NewInvite = Type.Composite([Invite, Type.Object({ code: Type.String() })]);
export type NewInvite = Static<typeof NewInvite>;
