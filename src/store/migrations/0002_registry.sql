CREATE TABLE packages (
  id          INTEGER PRIMARY KEY,
  name        TEXT NOT NULL UNIQUE,
  canonical   TEXT NOT NULL UNIQUE,
  revision    INTEGER NOT NULL DEFAULT 1, -- moves with every change of what is served about the package
  description TEXT NOT NULL DEFAULT '',
  keywords    TEXT NOT NULL DEFAULT '[]', -- JSON array; this and the description are those of the latest version
  latest      TEXT,                       -- version under the tag latest; NULL where every version is yanked
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
  metadata       TEXT NOT NULL, -- JSON: what is served of the manifest; from the archive alone
  signing_key    TEXT,
  signature      TEXT,
  yanked_at      INTEGER,
  deprecated     TEXT,
  published_at   INTEGER NOT NULL,
  published_by   INTEGER REFERENCES users (id) ON DELETE SET NULL,
  downloads      INTEGER NOT NULL DEFAULT 0,
  -- Large, and so behind what lists read.
  manifest       TEXT NOT NULL, -- JSON: the whole manifest of the archive, as written
  readme         TEXT,
  readme_path    TEXT,
  UNIQUE (package_id, version)
) STRICT;
CREATE INDEX versions_by_digest ON versions (digest);

-- Tags that somebody set. The tag latest stands here only where an owner set it by hand; packages.latest is what is served.
CREATE TABLE tags (
  package_id INTEGER NOT NULL REFERENCES packages (id) ON DELETE CASCADE,
  tag        TEXT NOT NULL,
  version    TEXT NOT NULL,
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

-- Each part of a name with each one letter left out: two words that share such a spelling are one typo apart.
CREATE TABLE package_spellings (
  spelling   TEXT NOT NULL,
  package_id INTEGER NOT NULL REFERENCES packages (id) ON DELETE CASCADE,
  PRIMARY KEY (spelling, package_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX package_spellings_by_package ON package_spellings (package_id);
