-- Times are UTC seconds unless a column says otherwise. Ids are text that this server or the
-- marketplace made. JSON is opaque to SQL. No column has a default for a time or an id.

-- Facts about this database.
CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY, -- 'secret': key of the indexes by digest; 'pause': why the queues rest
    value BLOB NOT NULL              -- as `name` requires
) STRICT, WITHOUT ROWID;

-- What is sold.
CREATE TABLE products (
    id         TEXT    NOT NULL PRIMARY KEY, -- the seller's word for it, 'flowsim'
    name       TEXT    NOT NULL,             -- for people
    terms      TEXT    NOT NULL,             -- JSON: the product file as applied
    applied_at INTEGER NOT NULL              -- when these terms came
) STRICT, WITHOUT ROWID;

-- Which of the marketplace's goods are which product.
CREATE TABLE product_skus (
    market_product TEXT NOT NULL,                          -- the marketplace's productId
    sku            TEXT NOT NULL,                          -- its skuCode; '' = every one
    product        TEXT NOT NULL REFERENCES products (id), -- ours
    PRIMARY KEY (market_product, sku)
) STRICT, WITHOUT ROWID;
CREATE INDEX product_skus_of ON product_skus (product);

-- One for each order line that the marketplace had created.
CREATE TABLE instances (
    id              TEXT    NOT NULL PRIMARY KEY,      -- businessId of the first request, or our own
    order_id        TEXT    NOT NULL,                  -- the order that created it
    line_id         TEXT    NOT NULL,                  -- and its line
    activation_code TEXT    NOT NULL UNIQUE,           -- shared with the buyer, never logged
    state           TEXT    NOT NULL CHECK (state IN ('active', 'frozen', 'released')),
    created_at      INTEGER NOT NULL,                  -- first request
    changed_at      INTEGER NOT NULL,                  -- last change of state, dates or terms
    market_product  TEXT,                              -- productId of the order in force
    sku             TEXT,                              -- its skuCode
    product         TEXT REFERENCES products (id),     -- ours; NULL until configured
    quantity        INTEGER,                           -- machines; NULL until an order was read
    period          INTEGER,                           -- 1: sold for a period
    trial           INTEGER,                           -- 1: a trial
    customer        TEXT,                              -- the buyer's real name, else his name
    expires         INTEGER,                           -- end of what was bought; NULL: none
    expires_set     INTEGER NOT NULL,                  -- 1: by refreshInstance; an order no longer sets it
    machines_used   INTEGER NOT NULL,                  -- places taken
    judge_due       INTEGER NOT NULL,                  -- 1: kept applications are to be judged again
    UNIQUE (order_id, line_id)
) STRICT;
CREATE INDEX instances_to_judge ON instances (id) WHERE judge_due = 1;
CREATE INDEX instances_of_market_product ON instances (market_product);
CREATE INDEX instances_of_product ON instances (product, id);

-- What debugging calls made; nothing here counts.
CREATE TABLE test_instances (
    id         TEXT    NOT NULL PRIMARY KEY, -- businessId of the first request, or our own
    order_id   TEXT    NOT NULL,
    line_id    TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (order_id, line_id)
) STRICT, WITHOUT ROWID;

-- The orders of an instance: a queue of look-ups at the marketplace, then what was read.
CREATE TABLE orders (
    id             INTEGER NOT NULL PRIMARY KEY, -- in the order they came
    instance_id    TEXT    NOT NULL REFERENCES instances (id),
    order_id       TEXT    NOT NULL,
    line_id        TEXT    NOT NULL,
    scene          TEXT    NOT NULL,             -- 'NEW', or refreshInstance's scene
    state          TEXT    NOT NULL CHECK (state IN ('queued', 'reading', 'read', 'refunded')),
    attempts       INTEGER NOT NULL,             -- questions sent
    next_at        INTEGER NOT NULL,             -- not before
    last_code      TEXT,                         -- the last refusal
    last_message   TEXT,
    queued_at      INTEGER NOT NULL,
    read_at        INTEGER,
    market_product TEXT,                         -- from here on: what the order says
    sku            TEXT,
    quantity       INTEGER,
    period         INTEGER,
    trial          INTEGER,
    customer       TEXT,
    expires        INTEGER,
    lease_owner    TEXT,                         -- reading: which server is at it
    lease_until    INTEGER,                      -- and until when others keep off, by the database's clock
    UNIQUE (instance_id, order_id, line_id, scene)
) STRICT;
CREATE INDEX orders_due ON orders (next_at) WHERE state = 'queued';
CREATE INDEX orders_in_flight ON orders (lease_until) WHERE state = 'reading';

-- getLicenseAsync calls that were accepted. A refused one leaves no trace.
CREATE TABLE applications (
    event_id    TEXT    NOT NULL, -- the marketplace's serial number
    fingerprint BLOB    NOT NULL, -- HMAC-SHA-256 of the normalised device text under meta.secret
    instance_id TEXT    NOT NULL REFERENCES instances (id),
    state       TEXT    NOT NULL CHECK (state IN ('waiting', 'held', 'served', 'superseded')),
    code        TEXT,             -- held: the result code
    device      TEXT,             -- the device text; only while waiting or held
    not_before  INTEGER,          -- effectiveTime
    expires     INTEGER,          -- expireTime
    license_id  TEXT,             -- served: with what
    received_at INTEGER NOT NULL,
    PRIMARY KEY (event_id, fingerprint)
) STRICT, WITHOUT ROWID;
CREATE INDEX applications_kept ON applications (instance_id, received_at, event_id)
    WHERE state IN ('waiting', 'held');

-- Computers that hold a place of an instance.
CREATE TABLE machines (
    id          TEXT    NOT NULL PRIMARY KEY,
    instance_id TEXT    NOT NULL REFERENCES instances (id),
    binding     TEXT    NOT NULL, -- JSON: the enrolled digests, as in the license
    by_code     INTEGER NOT NULL, -- 1: enrolled with the activation code, which is limited by the hour
    enrolled_at INTEGER NOT NULL,
    freed_at    INTEGER           -- its place is free again
) STRICT;
CREATE INDEX machines_of_instance ON machines (instance_id, enrolled_at);

-- Finds a machine by any part of it.
CREATE TABLE machine_digests (
    instance_id TEXT NOT NULL,                          -- an instance knows its own machines only
    digest      TEXT NOT NULL,                          -- kind and HMAC under meta.secret
    machine_id  TEXT NOT NULL REFERENCES machines (id),
    PRIMARY KEY (instance_id, digest, machine_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX machine_digests_of ON machine_digests (machine_id);

-- Everything that was signed for a buyer.
CREATE TABLE licenses (
    id          TEXT    NOT NULL PRIMARY KEY,              -- `jti`
    instance_id TEXT    NOT NULL REFERENCES instances (id),
    machine_id  TEXT REFERENCES machines (id),             -- node-locked: whose
    event_id    TEXT,                                      -- the application it answers, if one
    product     TEXT    NOT NULL,                          -- `prd`
    issued_at   INTEGER NOT NULL,
    not_before  INTEGER,
    expires     INTEGER,                                   -- NULL: perpetual
    grace       INTEGER NOT NULL,                          -- seconds after `expires`
    terms       BLOB    NOT NULL,                          -- SHA-256 of what it grants: a change asks for a new one
    document    TEXT    NOT NULL,                          -- as signed
    state       TEXT    NOT NULL CHECK (state IN ('active', 'suspended', 'revoked')),
    reason      TEXT,                                      -- not active: 'freeze', 'release', 'superseded', 'operator'
    changed_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX licenses_of_instance ON licenses (instance_id, id);
CREATE INDEX licenses_of_machine ON licenses (machine_id, id);
CREATE INDEX licenses_listed ON licenses (id) WHERE state <> 'active';

-- Licenses on their way to the marketplace.
CREATE TABLE uploads (
    id           TEXT    NOT NULL PRIMARY KEY, -- rises with time
    event_id     TEXT    NOT NULL,             -- where to
    instance_id  TEXT    NOT NULL,
    license_id   TEXT    NOT NULL REFERENCES licenses (id),
    sha256       BLOB    NOT NULL,             -- of what is sent
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
    lease_until  INTEGER,                      -- and until when others keep off, by the database's clock
    UNIQUE (event_id, sha256)
) STRICT;
CREATE INDEX uploads_due ON uploads (next_at) WHERE state = 'queued';
CREATE INDEX uploads_in_flight ON uploads (lease_until) WHERE state = 'sending';
CREATE INDEX uploads_by_state ON uploads (state, id);
CREATE INDEX uploads_of_license ON uploads (license_id);

-- Nonces of calls that had an effect: a second one is a replay.
CREATE TABLE nonces (
    nonce   BLOB    NOT NULL PRIMARY KEY, -- SHA-256 of it
    expires INTEGER NOT NULL              -- swept afterwards
) STRICT, WITHOUT ROWID;
CREATE INDEX nonces_by_expiry ON nonces (expires);

-- Who may use the admin interface.
CREATE TABLE tokens (
    id         TEXT    NOT NULL PRIMARY KEY,
    hash       BLOB    NOT NULL UNIQUE,      -- SHA-256; the token itself is not kept
    name       TEXT    NOT NULL,
    role       TEXT    NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    created_at INTEGER NOT NULL
) STRICT;

-- Releases that were announced.
CREATE TABLE releases (
    id           INTEGER NOT NULL PRIMARY KEY,
    product      TEXT    NOT NULL,
    platform     TEXT    NOT NULL, -- '*': every one
    channel      TEXT    NOT NULL,
    version      TEXT    NOT NULL,
    entry        TEXT    NOT NULL, -- JSON: as it stands in the list
    published_at INTEGER NOT NULL,
    UNIQUE (product, platform, channel, version)
) STRICT;

-- Signed lists as they are served.
CREATE TABLE lists (
    kind      TEXT    NOT NULL, -- 'revocation', 'release'
    product   TEXT    NOT NULL, -- '' for revocation
    platform  TEXT    NOT NULL,
    channel   TEXT    NOT NULL,
    seq       INTEGER NOT NULL, -- of the last one signed; only rises
    document  TEXT    NOT NULL, -- '' before the first
    issued_at INTEGER NOT NULL,
    stale     INTEGER NOT NULL, -- 1: to be signed anew before it is served
    elsewhere INTEGER NOT NULL, -- 1: signed by a key that is not here, so never signed anew here
    PRIMARY KEY (kind, product, platform, channel)
) STRICT, WITHOUT ROWID;

-- Public halves of the keys whose signatures this database answers for.
CREATE TABLE public_keys (
    kid      TEXT    NOT NULL PRIMARY KEY,
    jwk      TEXT    NOT NULL, -- JSON with `alg`, `kid`, `lic_typ`
    added_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
