-- Policies: what runs wait for, series of attempts, chains, holds, warnings, what people did.

ALTER TABLE cursor ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cursor ADD COLUMN boot TEXT NOT NULL DEFAULT '';

ALTER TABLE run ADD COLUMN is_chain INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN parent INTEGER;
ALTER TABLE run ADD COLUMN origin INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN is_caught_up INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN delay INTEGER;
ALTER TABLE run ADD COLUMN held TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN held_since INTEGER;
ALTER TABLE run ADD COLUMN pool TEXT NOT NULL DEFAULT '';

-- The members of a chain's run.
CREATE INDEX run_parent ON run (parent) WHERE parent IS NOT NULL;

-- The last success of a task that fails since long.
CREATE INDEX run_succeeded ON run (task, due, attempt)
WHERE outcome IN ('succeeded', 'warned');
-- The range that holds an instant.
CREATE INDEX decision_range ON decision (task, due) WHERE last > due;

CREATE TABLE hold (
    task   TEXT NOT NULL,
    kind   TEXT NOT NULL,
    since  INTEGER NOT NULL,
    until  INTEGER,
    reason TEXT NOT NULL DEFAULT '',
    by     TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (task, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE warning (
    task TEXT NOT NULL,
    at   INTEGER NOT NULL,
    kind TEXT NOT NULL,
    run  INTEGER NOT NULL DEFAULT 0,
    text TEXT NOT NULL,
    PRIMARY KEY (task, at, kind, run)
) STRICT, WITHOUT ROWID;

CREATE TABLE action (
    at   INTEGER NOT NULL,
    verb TEXT NOT NULL,
    task TEXT NOT NULL,
    by   TEXT NOT NULL,
    text TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (at, verb, task)
) STRICT, WITHOUT ROWID;
