-- The last id that a site got. None is given twice: what a removed site left behind must never be another's.
CREATE TABLE site_ids (
  one  INTEGER PRIMARY KEY CHECK (one = 1),
  last INTEGER NOT NULL
) STRICT;
INSERT INTO site_ids SELECT 1, coalesce(max(id), 0) FROM sites;

-- The program of a deploy. Its bytes are files of the deploy under `.land/`, which visitors never get.
CREATE TABLE deploy_programs (
  deploy_id  TEXT PRIMARY KEY REFERENCES deploys (id) ON DELETE CASCADE,
  name       TEXT NOT NULL,             -- what its author calls it: main.ts
  language   TEXT NOT NULL CHECK (language IN ('js', 'ts')),
  digest     TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  map_digest TEXT,                      -- its source map
  routes     TEXT NOT NULL DEFAULT '[]', -- JSON array of patterns that it answers before files do
  crons      TEXT NOT NULL DEFAULT '[]', -- JSON array of {cron, timeZone}
  database   INTEGER,                   -- whether it has env.DB; NULL: its code decides
  by_key     INTEGER NOT NULL DEFAULT 0 -- whether a key brought it that may only deploy, and it was not live then
) STRICT, WITHOUT ROWID;

-- Variables and secrets of a site, each sealed with the key file.
CREATE TABLE site_env (
  site_id    INTEGER NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
  key        TEXT NOT NULL,
  kind       TEXT NOT NULL CHECK (kind IN ('variable', 'secret')),
  sealed     BLOB NOT NULL,
  key_id     TEXT NOT NULL,             -- which key of the file sealed it
  updated_at INTEGER NOT NULL,
  updated_by INTEGER REFERENCES users (id) ON DELETE SET NULL,
  PRIMARY KEY (site_id, key)
) STRICT, WITHOUT ROWID;

-- When each schedule of a live deploy is due next.
CREATE TABLE site_crons (
  site_id   INTEGER NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
  cron      TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  next_at   INTEGER NOT NULL,
  PRIMARY KEY (site_id, cron, time_zone)
) STRICT, WITHOUT ROWID;
CREATE INDEX site_crons_due ON site_crons (next_at);

-- What became of each time that a schedule was due.
CREATE TABLE cron_runs (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  site_id    INTEGER NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
  deploy_id  TEXT NOT NULL,
  cron       TEXT NOT NULL,
  time_zone  TEXT NOT NULL,
  due_at     INTEGER NOT NULL,
  attempt    INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at   INTEGER,
  outcome    TEXT NOT NULL CHECK (outcome IN ('running', 'done', 'failed', 'lost')),
  problem    TEXT,
  retry_at   INTEGER                    -- when it is tried again; NULL: never
) STRICT;
CREATE INDEX cron_runs_by_site ON cron_runs (site_id, id);
CREATE INDEX cron_runs_running ON cron_runs (id) WHERE outcome = 'running';
CREATE INDEX cron_runs_retry ON cron_runs (retry_at) WHERE retry_at IS NOT NULL;

-- Where each site talked to, by day.
CREATE TABLE site_egress (
  site_id    INTEGER NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
  day        INTEGER NOT NULL,          -- days since 1970
  host       TEXT NOT NULL,             -- with the port where it is not that of the scheme
  requests   INTEGER NOT NULL,
  refused    INTEGER NOT NULL,
  bytes_out  INTEGER NOT NULL,
  bytes_in   INTEGER NOT NULL,
  last_at    INTEGER NOT NULL,
  problem    TEXT,                      -- why the last refused one was refused
  PRIMARY KEY (site_id, day, host)
) STRICT, WITHOUT ROWID;

-- Settings of a site that concern its program alone. No row: the defaults.
CREATE TABLE site_functions (
  site_id      INTEGER PRIMARY KEY REFERENCES sites (id) ON DELETE CASCADE,
  egress_allow TEXT,                    -- JSON array of hosts; NULL: every public one
  kv_bytes     INTEGER,                 -- NULL: what the server allows
  disk_bytes   INTEGER,
  memory_bytes INTEGER
) STRICT;
