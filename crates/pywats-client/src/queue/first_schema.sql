-- The tables of version 0.1, as its databases have them. They do not change any more.
CREATE TABLE report (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL,
    folder      BLOB NOT NULL,
    name        BLOB NOT NULL,
    device      INTEGER NOT NULL,
    file        INTEGER NOT NULL,
    size        INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,
    sha256      BLOB NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('pending', 'uploaded', 'rejected')),
    reason      TEXT,
    attempts    INTEGER NOT NULL,
    body        BLOB NOT NULL
) STRICT;
CREATE INDEX report_source ON report (device, file, size, modified_ns);
CREATE INDEX report_state ON report (state, seq);
CREATE TABLE total (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
PRAGMA user_version = 1;
