-- Times are milliseconds since 1970 UTC. Names are compared by their canonical form.
CREATE TABLE users (
  id            INTEGER PRIMARY KEY,
  name          TEXT NOT NULL UNIQUE,
  canonical     TEXT NOT NULL UNIQUE,
  email         TEXT NOT NULL,
  email_key     TEXT NOT NULL UNIQUE, -- lower case
  password_hash TEXT NOT NULL,
  is_admin      INTEGER NOT NULL DEFAULT 0,
  created_at    INTEGER NOT NULL
) STRICT;

-- A token is 256 random bits: one SHA-256 is enough, and a look-up is one index probe.
CREATE TABLE tokens (
  id           TEXT PRIMARY KEY,
  user_id      INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  name         TEXT NOT NULL,
  hash         TEXT NOT NULL UNIQUE,
  scopes       TEXT NOT NULL, -- JSON array
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER,
  last_used_at INTEGER,
  revoked_at   INTEGER
) STRICT;
CREATE INDEX tokens_by_user ON tokens (user_id, created_at);

CREATE TABLE sessions (
  hash         TEXT PRIMARY KEY,
  user_id      INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE invites (
  id         TEXT PRIMARY KEY,
  hash       TEXT NOT NULL UNIQUE,
  note       TEXT NOT NULL DEFAULT '',
  created_by INTEGER REFERENCES users (id) ON DELETE CASCADE, -- NULL: the code for the first account
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  used_by    INTEGER REFERENCES users (id) ON DELETE SET NULL,
  used_at    INTEGER
) STRICT;

CREATE TABLE signing_keys (
  key        TEXT PRIMARY KEY, -- ed25519:<base64url>
  user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  name       TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  revoked_at INTEGER
) STRICT;
CREATE INDEX signing_keys_by_user ON signing_keys (user_id);
