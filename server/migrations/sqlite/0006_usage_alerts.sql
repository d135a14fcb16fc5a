-- What metered instances used, on its way to the marketplace.
CREATE TABLE usage_records (
    id           TEXT    NOT NULL PRIMARY KEY,                -- rises with time
    metering_sn  TEXT    NOT NULL UNIQUE,                     -- the record's number: as given, or the id
    instance_id  TEXT    NOT NULL REFERENCES instances (id),
    usage_value  TEXT    NOT NULL,                            -- decimal, in its one spelling
    begin_time   INTEGER NOT NULL,
    end_time     INTEGER NOT NULL,
    record_time  INTEGER NOT NULL,                            -- when it was counted
    product_id   TEXT,                                        -- the marketplace's, if given; for the old form
    package      TEXT,                                        -- relate_pkg_instance
    state        TEXT    NOT NULL CHECK (state IN
                     ('queued', 'sending', 'delivered', 'failed', 'unclear')),
    attempts     INTEGER NOT NULL,                            -- counted before anything is sent
    unanswered   INTEGER NOT NULL,                            -- 1: an attempt got no answer and may have arrived
    old_form     INTEGER NOT NULL,                            -- 1: an attempt was made without the number
    together     INTEGER NOT NULL,                            -- the largest call it may travel in
    next_at      INTEGER NOT NULL,                            -- not before
    last_code    TEXT,                                        -- the last refusal
    last_message TEXT,
    queued_at    INTEGER NOT NULL,
    finished_at  INTEGER,
    lease_owner  TEXT,                                        -- sending: which server is at it
    lease_until  INTEGER                                      -- and until when others keep off, by the database's clock
) STRICT;
CREATE INDEX usage_records_due ON usage_records (next_at, id) WHERE state = 'queued';
CREATE INDEX usage_records_in_flight ON usage_records (lease_until) WHERE state = 'sending';
CREATE INDEX usage_records_by_state ON usage_records (state, id);
CREATE INDEX usage_records_of_instance ON usage_records (instance_id, id);

-- What somebody must look at.
CREATE TABLE alerts (
    id      TEXT    NOT NULL PRIMARY KEY, -- rises with time
    alert   TEXT    NOT NULL,             -- the word of the log
    subject TEXT    NOT NULL,             -- what it is about: an id, or ''
    level   TEXT    NOT NULL CHECK (level IN ('warn', 'error')),
    message TEXT    NOT NULL,             -- for people
    fields  TEXT    NOT NULL,             -- JSON: the other fields of the log line
    at      INTEGER NOT NULL,
    again   INTEGER NOT NULL              -- how often the same came again within the hour
) STRICT, WITHOUT ROWID;
CREATE INDEX alerts_of_subject ON alerts (alert, subject, at);
CREATE INDEX alerts_by_time ON alerts (at);

-- Alerts on their way to a webhook or a command.
CREATE TABLE alert_deliveries (
    id          TEXT    NOT NULL PRIMARY KEY,            -- alert_id '/' target
    alert_id    TEXT    NOT NULL REFERENCES alerts (id),
    target      TEXT    NOT NULL CHECK (target IN ('webhook', 'command')),
    state       TEXT    NOT NULL CHECK (state IN ('queued', 'sending', 'delivered', 'failed')),
    attempts    INTEGER NOT NULL,                        -- counted before anything is sent
    next_at     INTEGER NOT NULL,                        -- not before
    last_error  TEXT,
    finished_at INTEGER,
    lease_owner TEXT,                                    -- sending: which server is at it
    lease_until INTEGER                                  -- and until when others keep off, by the database's clock
) STRICT;
CREATE INDEX alert_deliveries_due ON alert_deliveries (next_at) WHERE state = 'queued';
CREATE INDEX alert_deliveries_in_flight ON alert_deliveries (lease_until) WHERE state = 'sending';
CREATE INDEX alert_deliveries_of ON alert_deliveries (alert_id);

-- Who was told how long before a refund.
CREATE TABLE refund_warnings (
    instance_id TEXT    NOT NULL REFERENCES instances (id),
    minutes     INTEGER NOT NULL, -- left
    at          INTEGER NOT NULL,
    PRIMARY KEY (instance_id, minutes)
) STRICT, WITHOUT ROWID;

-- Orders that create an instance and are not read yet; licenses that did not arrive yet.
CREATE INDEX orders_unread ON orders (instance_id)
    WHERE scene = 'NEW' AND state IN ('queued', 'reading');
CREATE INDEX uploads_undelivered ON uploads (instance_id)
    WHERE state IN ('queued', 'sending', 'failed', 'unclear');
