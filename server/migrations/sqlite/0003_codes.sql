-- Authorization codes that the marketplace sold and that programs use here.
CREATE TABLE codes (
    code         TEXT    NOT NULL PRIMARY KEY,   -- as the buyer got it; shared with him, never logged
    state        TEXT    NOT NULL CHECK (state IN ('activating', 'active', 'expired', 'released')),
    instance_id  TEXT UNIQUE REFERENCES instances (id), -- what it was activated as; NULL while 'activating'
    used_since   INTEGER NOT NULL,               -- first use here, as the marketplace is told
    activated_at INTEGER,                        -- when its answer was written down
    beaten_at    INTEGER,                        -- the last heartbeat that was answered
    asking_until INTEGER NOT NULL,               -- the marketplace is being asked, others keep off until then; 0: it is not
    next_at      INTEGER NOT NULL,               -- after a failure: not before
    attempts     INTEGER NOT NULL,               -- questions in a row without a usable answer
    unanswered   INTEGER NOT NULL,               -- 1: an activation got no answer and may have arrived
    last_code    TEXT,                           -- the last refusal
    last_message TEXT,                           -- its meaning and what the marketplace said
    answer       TEXT,                           -- the last answer, as it came
    created_at   INTEGER NOT NULL,
    changed_at   INTEGER NOT NULL                -- last change of state, dates or terms
) STRICT, WITHOUT ROWID;
CREATE INDEX codes_activating ON codes (changed_at) WHERE state = 'activating';

-- Orders that the marketplace notified us of: a queue of look-ups, then what was read.
CREATE TABLE notices (
    order_id       TEXT    NOT NULL,
    line_id        TEXT    NOT NULL,
    state          TEXT    NOT NULL CHECK (state IN ('queued', 'read', 'failed')),
    received_at    INTEGER NOT NULL, -- the first notification
    repeated_at    INTEGER NOT NULL, -- the last one
    attempts       INTEGER NOT NULL, -- questions sent
    next_at        INTEGER NOT NULL, -- not before
    last_code      TEXT,             -- the last refusal
    last_message   TEXT,
    read_at        INTEGER,
    order_type     TEXT,             -- from here on: what the order says
    market_product TEXT,
    sku            TEXT,
    quantity       INTEGER,
    expires        INTEGER,
    PRIMARY KEY (order_id, line_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX notices_due ON notices (next_at) WHERE state = 'queued';
CREATE INDEX notices_by_time ON notices (received_at, order_id, line_id);
