-- What a new license costs is what it changes in trees of rows and indexes; these are fewer.

-- A license is one upload for one event, and its content is the license's: no digest of it. Rows in
-- the order of their ids are found by them without a second tree.
CREATE TABLE uploads_anew (
    id           TEXT    NOT NULL PRIMARY KEY, -- rises with time
    event_id     TEXT    NOT NULL,             -- where to
    instance_id  TEXT    NOT NULL,
    license_id   TEXT    NOT NULL REFERENCES licenses (id),
    file         BLOB,                         -- the file's bytes; NULL: the license string itself
    state        TEXT    NOT NULL CHECK (state IN
                     ('queued', 'sending', 'delivered', 'failed', 'unclear', 'cancelled')),
    attempts     INTEGER NOT NULL,             -- counted before anything is sent
    unanswered   INTEGER NOT NULL,             -- 1: an attempt got no answer and may have arrived
    next_at      INTEGER NOT NULL,             -- not before
    last_code    TEXT,                         -- the last refusal
    last_message TEXT,
    queued_at    INTEGER NOT NULL,
    finished_at  INTEGER,
    lease_owner  TEXT,                         -- sending: which server is at it
    lease_until  INTEGER                       -- and until when others keep off, by the database's clock
) STRICT, WITHOUT ROWID;
INSERT INTO uploads_anew SELECT id, event_id, instance_id, license_id, file, state, attempts,
    unanswered, next_at, last_code, last_message, queued_at, finished_at, lease_owner, lease_until
    FROM uploads ORDER BY id;
DROP TABLE uploads;
ALTER TABLE uploads_anew RENAME TO uploads;
CREATE UNIQUE INDEX uploads_of_license ON uploads (license_id, event_id);
CREATE INDEX uploads_due ON uploads (next_at) WHERE state = 'queued';
-- By state: those that are delivered are almost all. Those that are being sent are found by it, too.
CREATE INDEX uploads_not_delivered ON uploads (state, id) WHERE state <> 'delivered';
CREATE INDEX uploads_undelivered ON uploads (instance_id, id)
    WHERE state IN ('queued', 'sending', 'failed', 'unclear');
CREATE INDEX uploads_to_sweep ON uploads (finished_at) WHERE state IN ('delivered', 'cancelled');
CREATE INDEX uploads_with_file ON uploads (finished_at)
    WHERE state IN ('delivered', 'cancelled') AND file IS NOT NULL;

-- Only those that were enrolled by the activation code are counted by the hour.
DROP INDEX machines_of_instance;
CREATE INDEX machines_by_code ON machines (instance_id, enrolled_at) WHERE by_code = 1;

-- A machine that is freed is one of its instance's, whose digests stand together already.
DROP INDEX machine_digests_of;
