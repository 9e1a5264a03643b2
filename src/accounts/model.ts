import { type Static, Type } from "@sinclair/typebox";

/** Shapes of the account API. The only file of this feature that the client may see. */

/** What a token may do: `account`, `publish`, `publish:left`, `publish:@ada/*`, `deploy:blog`, `site:blog`, `stats:blog`… */
const Scope = Type.String({
  pattern:
    "^(?:account|read|publish|yank|deploy|admin|publish:(?:@[a-z0-9][a-z0-9._-]*/(?:\\*|[a-z0-9][a-z0-9._-]*)|[a-z0-9][a-z0-9._-]*)|(?:deploy|site|stats):[a-z0-9](?:-?[a-z0-9])*)$",
  maxLength: 128,
  description:
    "A scope such as account, read, publish, publish:left, publish:@ada/*, yank, deploy, deploy:blog, site:blog, stats:blog or admin",
});

/** An account as its owner sees it. */
export const User = Type.Object({
  name: Type.String(),
  email: Type.String(),
  admin: Type.Boolean(),
  createdAt: Type.String({ format: "date-time" }),
});
export type User = Static<typeof User>;

/** `code`: the invitation, where the server asks for one. */
export const RegisterBody = Type.Object({
  username: Type.String({ maxLength: 254 }),
  email: Type.String({ maxLength: 254 }),
  password: Type.String({ maxLength: 1024 }),
  code: Type.Optional(Type.String({ maxLength: 128 })),
});
export type RegisterBody = Static<typeof RegisterBody>;

/** `username`: the user name or the email address. */
export const LoginBody = Type.Object({
  username: Type.String({ maxLength: 254 }),
  password: Type.String({ maxLength: 1024 }),
});
export type LoginBody = Static<typeof LoginBody>;

/** Answer of register and login: `token` is shown this once. */
export const SignedIn = Type.Object({ user: User, token: Type.String() });
export type SignedIn = Static<typeof SignedIn>;

/** Who the request came from. */
export const Me = Type.Object({
  user: User,
  /** null: signed in by the website's session. */
  token: Type.Union([
    Type.Object({ name: Type.String(), scopes: Type.Array(Type.String()) }),
    Type.Null(),
  ]),
});
export type Me = Static<typeof Me>;

/** A token as it is listed, without its secret. `expiresAt` null: until revoked. */
export const TokenInfo = Type.Object({
  id: Type.String(),
  name: Type.String(),
  scopes: Type.Array(Type.String()),
  createdAt: Type.String({ format: "date-time" }),
  expiresAt: Type.Union([Type.String({ format: "date-time" }), Type.Null()]),
  lastUsedAt: Type.Union([Type.String({ format: "date-time" }), Type.Null()]),
});
export type TokenInfo = Static<typeof TokenInfo>;

/** What a new token may. Without `expiresInDays` it ends with the token that makes it. */
export const TokenBody = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 64 }),
  scopes: Type.Array(Scope, { minItems: 1, maxItems: 32 }),
  expiresInDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 3650 })),
});
export type TokenBody = Static<typeof TokenBody>;

/** A new token: `token` is the secret, shown this once. */
export const NewToken = Type.Composite([TokenInfo, Type.Object({ token: Type.String() })]);
export type NewToken = Static<typeof NewToken>;

/** A public key that signs versions. */
export const SigningKey = Type.Object({
  /** `ed25519:<base64url of 32 bytes>`. */
  key: Type.String(),
  name: Type.String(),
  createdAt: Type.String({ format: "date-time" }),
});
export type SigningKey = Static<typeof SigningKey>;

/** A public key to register. */
export const SigningKeyBody = Type.Object({
  key: Type.String({ maxLength: 64 }),
  name: Type.Optional(Type.String({ maxLength: 64 })),
});

/** An invitation for one registration. `usedBy` null: nobody yet. */
export const Invite = Type.Object({
  id: Type.String(),
  note: Type.String(),
  createdAt: Type.String({ format: "date-time" }),
  expiresAt: Type.Union([Type.String({ format: "date-time" }), Type.Null()]),
  usedBy: Type.Union([Type.String(), Type.Null()]),
});
export type Invite = Static<typeof Invite>;

/** `note`: for whom it is. */
export const InviteBody = Type.Object({ note: Type.Optional(Type.String({ maxLength: 128 })) });

/** A new invitation: `code` is shown this once. */
export const NewInvite = Type.Composite([Invite, Type.Object({ code: Type.String() })]);
export type NewInvite = Static<typeof NewInvite>;
