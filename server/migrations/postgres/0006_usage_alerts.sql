-- The tables and columns of migrations/sqlite with the types of PostgreSQL.

-- What metered instances used, on its way to the marketplace.
CREATE TABLE usage_records (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,                -- rises with time
    metering_sn  TEXT COLLATE "C" NOT NULL UNIQUE,                     -- the record's number: as given, or the id
    instance_id  TEXT COLLATE "C" NOT NULL REFERENCES instances (id),
    usage_value  TEXT COLLATE "C" NOT NULL,                            -- decimal, in its one spelling
    begin_time   BIGINT           NOT NULL,
    end_time     BIGINT           NOT NULL,
    record_time  BIGINT           NOT NULL,                            -- when it was counted
    product_id   TEXT COLLATE "C",                                        -- the marketplace's, if given; for the old form
    package      TEXT COLLATE "C",                                        -- relate_pkg_instance
    state        TEXT COLLATE "C" NOT NULL CHECK (state IN
                     ('queued', 'sending', 'delivered', 'failed', 'unclear')),
    attempts     BIGINT           NOT NULL,                            -- counted before anything is sent
    unanswered   BOOLEAN          NOT NULL,                            -- an attempt got no answer and may have arrived
    old_form     BOOLEAN          NOT NULL,                            -- an attempt was made without the number
    together     BIGINT           NOT NULL,                            -- the largest call it may travel in
    next_at      BIGINT           NOT NULL,                            -- not before
    last_code    TEXT COLLATE "C",                                        -- the last refusal
    last_message TEXT COLLATE "C",
    queued_at    BIGINT           NOT NULL,
    finished_at  BIGINT,
    lease_owner  TEXT COLLATE "C",                                        -- sending: which server is at it
    lease_until  BIGINT                                            -- and until when others keep off, by the database's clock
);
CREATE INDEX usage_records_due ON usage_records (next_at, id) WHERE state = 'queued';
CREATE INDEX usage_records_in_flight ON usage_records (lease_until) WHERE state = 'sending';
CREATE INDEX usage_records_by_state ON usage_records (state, id);
CREATE INDEX usage_records_of_instance ON usage_records (instance_id, id);

-- What somebody must look at.
CREATE TABLE alerts (
    id      TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- rises with time
    alert   TEXT COLLATE "C" NOT NULL,             -- the word of the log
    subject TEXT COLLATE "C" NOT NULL,             -- what it is about: an id, or ''
    level   TEXT COLLATE "C" NOT NULL CHECK (level IN ('warn', 'error')),
    message TEXT COLLATE "C" NOT NULL,             -- for people
    fields  TEXT COLLATE "C" NOT NULL,             -- JSON: the other fields of the log line
    at      BIGINT           NOT NULL,
    again   BIGINT           NOT NULL              -- how often the same came again within the hour
);
CREATE INDEX alerts_of_subject ON alerts (alert, subject, at);
CREATE INDEX alerts_by_time ON alerts (at);

-- Alerts on their way to a webhook or a command.
CREATE TABLE alert_deliveries (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,            -- alert_id '/' target
    alert_id    TEXT COLLATE "C" NOT NULL REFERENCES alerts (id),
    target      TEXT COLLATE "C" NOT NULL CHECK (target IN ('webhook', 'command')),
    state       TEXT COLLATE "C" NOT NULL CHECK (state IN ('queued', 'sending', 'delivered', 'failed')),
    attempts    BIGINT           NOT NULL,                        -- counted before anything is sent
    next_at     BIGINT           NOT NULL,                        -- not before
    last_error  TEXT COLLATE "C",
    finished_at BIGINT,
    lease_owner TEXT COLLATE "C",                                    -- sending: which server is at it
    lease_until BIGINT                                            -- and until when others keep off, by the database's clock
);
CREATE INDEX alert_deliveries_due ON alert_deliveries (next_at) WHERE state = 'queued';
CREATE INDEX alert_deliveries_in_flight ON alert_deliveries (lease_until) WHERE state = 'sending';
CREATE INDEX alert_deliveries_of ON alert_deliveries (alert_id);

-- Who was told how long before a refund.
CREATE TABLE refund_warnings (
    instance_id TEXT COLLATE "C" NOT NULL REFERENCES instances (id),
    minutes     BIGINT           NOT NULL, -- left
    at          BIGINT           NOT NULL,
    PRIMARY KEY (instance_id, minutes)
);

-- Orders that create an instance and are not read yet; licenses that did not arrive yet.
CREATE INDEX orders_unread ON orders (instance_id)
    WHERE scene = 'NEW' AND state IN ('queued', 'reading');
CREATE INDEX uploads_undelivered ON uploads (instance_id)
    WHERE state IN ('queued', 'sending', 'failed', 'unclear');
