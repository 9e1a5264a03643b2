-- An hour is the number of hours since 1970 UTC, a day the number of days. Bots are counted apart from all else.
CREATE TABLE traffic_hours (
  site_id   INTEGER NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
  hour      INTEGER NOT NULL,
  requests  INTEGER NOT NULL,
  pages     INTEGER NOT NULL, -- HTML documents answered with 200 or 304
  visitors  INTEGER NOT NULL, -- seen for the first time that day in this hour
  bytes     INTEGER NOT NULL,
  bots      INTEGER NOT NULL,
  PRIMARY KEY (site_id, hour)
) STRICT, WITHOUT ROWID;

-- kind: path, referrer, status, country.
CREATE TABLE traffic_items (
  site_id INTEGER NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
  day     INTEGER NOT NULL,
  kind    TEXT NOT NULL,
  item    TEXT NOT NULL,
  count   INTEGER NOT NULL,
  bytes   INTEGER NOT NULL,
  PRIMARY KEY (site_id, day, kind, item)
) STRICT, WITHOUT ROWID;

-- Salted hashes of who came today; gone with the salt.
CREATE TABLE traffic_visitors (
  day     INTEGER NOT NULL,
  site_id INTEGER NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
  hash    INTEGER NOT NULL,
  PRIMARY KEY (day, site_id, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE traffic_salts (
  day  INTEGER PRIMARY KEY,
  salt BLOB NOT NULL
) STRICT;
