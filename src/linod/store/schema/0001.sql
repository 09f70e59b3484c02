-- Instants are microseconds since 1970 UTC. What a person reads is explained in store/interface.py.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE cursor (
    task            TEXT PRIMARY KEY,
    through         INTEGER NOT NULL,
    reached         INTEGER NOT NULL,
    definition      TEXT NOT NULL,
    definition_hash TEXT NOT NULL,
    first_seen      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Every occurrence is covered by exactly one row; only what is not admitted is ranged.
CREATE TABLE decision (
    task    TEXT NOT NULL,
    due     INTEGER NOT NULL,
    last    INTEGER NOT NULL CHECK (last >= due),
    count   INTEGER NOT NULL CHECK (count >= 1),
    verdict TEXT NOT NULL,
    reason  TEXT NOT NULL DEFAULT '',
    by      TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (task, due),
    CHECK (verdict <> 'admitted' OR (last = due AND count = 1))
) STRICT, WITHOUT ROWID;

-- Pruning, and the history of all tasks.
CREATE INDEX decision_last ON decision (last);

CREATE TABLE run (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    task      TEXT NOT NULL,
    due       INTEGER NOT NULL,
    attempt   INTEGER NOT NULL CHECK (attempt >= 1),
    trigger   TEXT NOT NULL,
    state     TEXT NOT NULL,
    queued    INTEGER NOT NULL,
    planned   INTEGER NOT NULL,
    started   INTEGER,
    ended     INTEGER,
    outcome   TEXT,
    reason    TEXT NOT NULL DEFAULT '',
    detail    TEXT NOT NULL DEFAULT '{}',
    arguments TEXT NOT NULL DEFAULT '',
    by        TEXT NOT NULL DEFAULT '',
    lease     TEXT NOT NULL DEFAULT '',
    keeper    TEXT NOT NULL DEFAULT '',
    worker    TEXT NOT NULL DEFAULT '',
    boot      TEXT NOT NULL DEFAULT '',
    UNIQUE (task, due, attempt),
    CHECK ((outcome IS NULL) = (ended IS NULL)),
    CHECK (outcome IS NULL OR outcome = state)
) STRICT;

-- The strip of the last ten outcomes, and a task's history.
CREATE INDEX run_task ON run (task, id, outcome);
-- What a start of the daemon must look after.
CREATE INDEX run_unfinished ON run (id) WHERE outcome IS NULL;
-- The last failure of a task, which always stays.
CREATE INDEX run_failed ON run (task, id) WHERE outcome IN ('failed', 'timed_out', 'lost');
-- Pruning.
CREATE INDEX run_ended ON run (ended) WHERE ended IS NOT NULL;

-- The end of a run's log lives apart, so that lists of runs stay small on disk.
CREATE TABLE log (
    run  INTEGER PRIMARY KEY,
    text TEXT NOT NULL
) STRICT;
