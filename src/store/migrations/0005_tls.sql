-- Keys are sealed with the data folder's secret.
CREATE TABLE certificates (
  name       TEXT PRIMARY KEY, -- host, or *.domain
  names      TEXT NOT NULL,    -- JSON array: every name in it
  chain      TEXT NOT NULL,    -- PEM, leaf first
  sealed_key BLOB NOT NULL,
  not_before INTEGER NOT NULL,
  not_after  INTEGER NOT NULL,
  issuer     TEXT NOT NULL,    -- directory it came from
  issued_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE acme_accounts (
  directory  TEXT PRIMARY KEY,
  url        TEXT NOT NULL,
  sealed_key BLOB NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- Open HTTP-01 challenges.
CREATE TABLE acme_challenges (
  token         TEXT PRIMARY KEY,
  host          TEXT NOT NULL,
  authorization TEXT NOT NULL,
  created_at    INTEGER NOT NULL
) STRICT;

-- What to wait for after failures, by name.
CREATE TABLE acme_attempts (
  name       TEXT PRIMARY KEY,
  failures   INTEGER NOT NULL,
  last_at    INTEGER NOT NULL,
  next_at    INTEGER NOT NULL,
  problem    TEXT NOT NULL
) STRICT;
