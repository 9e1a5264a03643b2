CREATE TABLE packages (
  id          INTEGER PRIMARY KEY,
  name        TEXT NOT NULL UNIQUE,
  canonical   TEXT NOT NULL UNIQUE,
  revision    INTEGER NOT NULL DEFAULT 1, -- moves with every change of what is served about the package
  description TEXT NOT NULL DEFAULT '',
  latest      TEXT,                       -- version under the tag latest
  downloads   INTEGER NOT NULL DEFAULT 0,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX packages_by_update ON packages (updated_at DESC, id DESC);
CREATE INDEX packages_by_downloads ON packages (downloads DESC, id DESC);

CREATE TABLE package_owners (
  package_id INTEGER NOT NULL REFERENCES packages (id) ON DELETE CASCADE,
  user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  added_at   INTEGER NOT NULL,
  PRIMARY KEY (package_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX package_owners_by_user ON package_owners (user_id);

CREATE TABLE versions (
  id             INTEGER PRIMARY KEY,
  package_id     INTEGER NOT NULL REFERENCES packages (id) ON DELETE CASCADE,
  version        TEXT NOT NULL,
  digest         TEXT NOT NULL,
  integrity      TEXT NOT NULL,
  blake3         TEXT NOT NULL,
  size_bytes     INTEGER NOT NULL,
  unpacked_bytes INTEGER NOT NULL,
  file_count     INTEGER NOT NULL,
  manifest       TEXT NOT NULL, -- JSON, from the archive
  readme         TEXT,
  readme_path    TEXT,
  signing_key    TEXT,
  signature      TEXT,
  yanked_at      INTEGER,
  deprecated     TEXT,
  published_at   INTEGER NOT NULL,
  published_by   INTEGER REFERENCES users (id) ON DELETE SET NULL,
  downloads      INTEGER NOT NULL DEFAULT 0,
  UNIQUE (package_id, version)
) STRICT;
CREATE INDEX versions_by_digest ON versions (digest);

CREATE TABLE tags (
  package_id  INTEGER NOT NULL REFERENCES packages (id) ON DELETE CASCADE,
  tag         TEXT NOT NULL,
  version     TEXT NOT NULL,
  set_by_hand INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (package_id, tag)
) STRICT, WITHOUT ROWID;

-- The requirements of each package's latest version, for its dependents. The name may not exist here.
CREATE TABLE dependencies (
  package_id INTEGER NOT NULL REFERENCES packages (id) ON DELETE CASCADE,
  name       TEXT NOT NULL,
  range      TEXT NOT NULL,
  kind       TEXT NOT NULL CHECK (kind IN ('normal', 'optional', 'peer')),
  PRIMARY KEY (package_id, name, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX dependencies_by_name ON dependencies (name, package_id);

CREATE TABLE downloads_by_day (
  package_id INTEGER NOT NULL REFERENCES packages (id) ON DELETE CASCADE,
  day        TEXT NOT NULL, -- YYYY-MM-DD, UTC
  count      INTEGER NOT NULL,
  PRIMARY KEY (package_id, day)
) STRICT, WITHOUT ROWID;

-- rowid = packages.id. Words by prefix, and trigrams for what nothing matched.
CREATE VIRTUAL TABLE package_words USING fts5 (
  name, keywords, description, tokenize = "unicode61 remove_diacritics 2", prefix = '2 3'
);
CREATE VIRTUAL TABLE package_trigrams USING fts5 (name, tokenize = "trigram");
