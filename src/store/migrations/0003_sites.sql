CREATE TABLE sites (
  id               INTEGER PRIMARY KEY,
  name             TEXT NOT NULL UNIQUE,
  created_by       INTEGER REFERENCES users (id) ON DELETE SET NULL, -- whose limits it counts against
  live_deploy      TEXT REFERENCES deploys (id) DEFERRABLE INITIALLY DEFERRED,
  protection       TEXT NOT NULL DEFAULT 'none' CHECK (protection IN ('none', 'password', 'members')),
  password_hash    TEXT,
  gate_version     INTEGER NOT NULL DEFAULT 1, -- moves when passes of visitors must end
  maintenance      INTEGER NOT NULL DEFAULT 0,
  key_programs     INTEGER NOT NULL DEFAULT 0, -- whether deploy keys may add or change a program
  quota_bytes      INTEGER,                    -- NULL: what the server allows
  quota_files      INTEGER,
  requests_per_minute INTEGER,                 -- per visitor; NULL: what the server allows
  used_bytes       INTEGER NOT NULL DEFAULT 0, -- of the distinct blobs of its kept deploys
  created_at       INTEGER NOT NULL,
  updated_at       INTEGER NOT NULL
) STRICT;
CREATE INDEX sites_by_creator ON sites (created_by);

CREATE TABLE site_members (
  site_id  INTEGER NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
  user_id  INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  role     TEXT NOT NULL CHECK (role IN ('owner', 'developer', 'viewer')),
  added_at INTEGER NOT NULL,
  PRIMARY KEY (site_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX site_members_by_user ON site_members (user_id);

-- Names of removed sites: for a while only those who owned them may make them again.
CREATE TABLE held_names (
  name    TEXT NOT NULL,
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  until   INTEGER NOT NULL,
  PRIMARY KEY (name, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE deploys (
  id           TEXT PRIMARY KEY,
  site_id      INTEGER NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
  state        TEXT NOT NULL CHECK (state IN ('uploading', 'ready')),
  draft        INTEGER NOT NULL DEFAULT 0,
  message      TEXT NOT NULL DEFAULT '',
  source       TEXT NOT NULL CHECK (source IN ('api', 'archive', 'browser')),
  file_count   INTEGER NOT NULL DEFAULT 0,
  size_bytes   INTEGER NOT NULL DEFAULT 0,
  warnings     TEXT NOT NULL DEFAULT '[]', -- JSON array of lines about _redirects and _headers
  created_at   INTEGER NOT NULL,
  created_by   INTEGER REFERENCES users (id) ON DELETE SET NULL,
  key_name     TEXT,    -- name of the deploy key that made it; NULL: the account itself
  key_id       TEXT,    -- its id: only what that key may use counts as present
  finished_at  INTEGER,
  released_at  INTEGER  -- when it first went live; rollback goes by this
) STRICT;
CREATE INDEX deploys_by_site ON deploys (site_id, created_at, id);
CREATE INDEX deploys_by_release ON deploys (site_id, released_at);
CREATE INDEX deploys_uploading ON deploys (site_id, created_at) WHERE state = 'uploading';

CREATE TABLE deploy_files (
  deploy_id  TEXT NOT NULL REFERENCES deploys (id) ON DELETE CASCADE,
  path       TEXT NOT NULL, -- NFC, no leading slash
  digest     TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  PRIMARY KEY (deploy_id, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX deploy_files_by_digest ON deploy_files (deploy_id, digest, size_bytes);

-- The blobs of a site's finished deploys, and how many of its deploys hold each.
CREATE TABLE site_blobs (
  site_id    INTEGER NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
  digest     TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  deploys    INTEGER NOT NULL,
  PRIMARY KEY (site_id, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX site_blobs_by_digest ON site_blobs (digest);

-- What an account sent lately: proof that it has the bytes. Rows go when the sweep's grace is over. What was sent with a deploy
-- key is known to that key and to the account; what the account sent itself, to no key.
CREATE TABLE uploads (
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  digest  TEXT NOT NULL,
  key_id  TEXT NOT NULL DEFAULT '', -- of the deploy key; empty: the account itself
  size_bytes INTEGER NOT NULL,
  at      INTEGER NOT NULL,
  PRIMARY KEY (user_id, digest, key_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX uploads_by_time ON uploads (at);

-- Every time a deploy went live.
CREATE TABLE releases (
  id        INTEGER PRIMARY KEY,
  site_id   INTEGER NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
  deploy_id TEXT NOT NULL,
  at        INTEGER NOT NULL,
  by        INTEGER REFERENCES users (id) ON DELETE SET NULL,
  key_name  TEXT
) STRICT;
CREATE INDEX releases_by_site ON releases (site_id, id);

-- A blob in a content coding. NULL: it does not get smaller.
CREATE TABLE variants (
  digest     TEXT NOT NULL,
  encoding   TEXT NOT NULL CHECK (encoding IN ('br', 'zstd', 'gzip')),
  variant    TEXT,
  size_bytes INTEGER NOT NULL,
  best       INTEGER NOT NULL, -- 0: made at a fast level, a better one may follow
  PRIMARY KEY (digest, encoding)
) STRICT, WITHOUT ROWID;
CREATE INDEX variants_by_variant ON variants (variant);
-- What was made from bytes that no site has any more is forgotten with them, whichever way they go.
CREATE TRIGGER variants_end AFTER DELETE ON site_blobs
WHEN NOT EXISTS (SELECT 1 FROM site_blobs WHERE digest = OLD.digest)
BEGIN
  DELETE FROM variants WHERE digest = OLD.digest;
END;

-- A host is claimed by any number of sites and verified for at most one.
CREATE TABLE domains (
  host          TEXT NOT NULL,
  site_id       INTEGER NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
  user_id       INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE, -- whom the proof names
  proof         TEXT NOT NULL, -- value of the TXT record
  state         TEXT NOT NULL CHECK (state IN ('pending', 'verified', 'failing')),
  problem       TEXT,
  created_at    INTEGER NOT NULL,
  verified_at   INTEGER,
  checked_at    INTEGER,
  failing_since INTEGER,
  PRIMARY KEY (host, site_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX domains_verified ON domains (host) WHERE state <> 'pending';
CREATE INDEX domains_by_site ON domains (site_id);

-- A bounded ring per site.
CREATE TABLE site_logs (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  site_id    INTEGER NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
  at         INTEGER NOT NULL,
  level      TEXT NOT NULL CHECK (level IN ('debug', 'info', 'warn', 'error')),
  kind       TEXT NOT NULL CHECK (kind IN ('request', 'deploy', 'domain', 'program')),
  request_id TEXT,
  message    TEXT NOT NULL,
  data       TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX site_logs_by_site ON site_logs (site_id, id);
