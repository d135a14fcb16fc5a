-- Authorization codes that the marketplace sold and that programs use here.
CREATE TABLE codes (
    code         TEXT COLLATE "C" NOT NULL PRIMARY KEY,   -- as the buyer got it; shared with him, never logged
    state        TEXT COLLATE "C" NOT NULL CHECK (state IN ('activating', 'active', 'expired', 'released')),
    instance_id  TEXT COLLATE "C" UNIQUE REFERENCES instances (id), -- what it was activated as; NULL while 'activating'
    used_since   BIGINT           NOT NULL,               -- first use here, as the marketplace is told
    activated_at BIGINT,                                  -- when its answer was written down
    beaten_at    BIGINT,                                  -- the last heartbeat that was answered
    asking_until BIGINT           NOT NULL,               -- the marketplace is being asked, others keep off until then; 0: it is not
    next_at      BIGINT           NOT NULL,               -- after a failure: not before
    attempts     BIGINT           NOT NULL,               -- questions in a row without a usable answer
    unanswered   BOOLEAN          NOT NULL,               -- an activation got no answer and may have arrived
    last_code    TEXT COLLATE "C",                           -- the last refusal
    last_message TEXT COLLATE "C",                           -- its meaning and what the marketplace said
    answer       TEXT COLLATE "C",                           -- the last answer, as it came
    created_at   BIGINT           NOT NULL,
    changed_at   BIGINT           NOT NULL                -- last change of state, dates or terms
);
CREATE INDEX codes_activating ON codes (changed_at) WHERE state = 'activating';

-- Orders that the marketplace notified us of: a queue of look-ups, then what was read.
CREATE TABLE notices (
    order_id       TEXT COLLATE "C" NOT NULL,
    line_id        TEXT COLLATE "C" NOT NULL,
    state          TEXT COLLATE "C" NOT NULL CHECK (state IN ('queued', 'read', 'failed')),
    received_at    BIGINT           NOT NULL, -- the first notification
    repeated_at    BIGINT           NOT NULL, -- the last one
    attempts       BIGINT           NOT NULL, -- questions sent
    next_at        BIGINT           NOT NULL, -- not before
    last_code      TEXT COLLATE "C",             -- the last refusal
    last_message   TEXT COLLATE "C",
    read_at        BIGINT,          
    order_type     TEXT COLLATE "C",             -- from here on: what the order says
    market_product TEXT COLLATE "C",
    sku            TEXT COLLATE "C",
    quantity       BIGINT,          
    expires        BIGINT,          
    PRIMARY KEY (order_id, line_id)
);
CREATE INDEX notices_due ON notices (next_at) WHERE state = 'queued';
CREATE INDEX notices_by_time ON notices (received_at, order_id, line_id);
