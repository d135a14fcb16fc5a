-- What was done and by whom, in chains that show when something was changed or taken away. One
-- chain a server, one link a transaction; OPERATIONS.md says how it is verified.
CREATE TABLE audit (
    server   TEXT    NOT NULL, -- whose chain: the id in a server's data folder
    seq      INTEGER NOT NULL, -- 1, 2, 3 … without a gap; the oldest are swept
    at       INTEGER NOT NULL, -- by that server's clock
    entries  TEXT    NOT NULL, -- canonical JSON: action, who, ids, outcome; no names, no codes, no texts
    previous BLOB    NOT NULL, -- `hash` of the link before; zeros before the first
    hash     BLOB    NOT NULL, -- SHA-256 of the link's canonical form
    PRIMARY KEY (server, seq)
) STRICT;
CREATE INDEX audit_by_time ON audit (server, at, seq);

-- What finds the rows that have outlived their use without looking at those that have not.
CREATE INDEX uploads_to_sweep ON uploads (finished_at) WHERE state IN ('delivered', 'cancelled');
CREATE INDEX uploads_with_file ON uploads (finished_at)
    WHERE state IN ('delivered', 'cancelled') AND file IS NOT NULL;
ALTER TABLE instances ADD COLUMN orders_swept INTEGER NOT NULL DEFAULT 0; -- 1: released, its orders are forgotten
CREATE INDEX instances_to_sweep ON instances (changed_at) WHERE state = 'released' AND orders_swept = 0;
