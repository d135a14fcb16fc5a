-- What the joint-operation kit tells the seller about buyers, and who of them logs in.

-- Enterprises of buyers, as the joint-operation kit told of them.
CREATE TABLE kit_tenants (
    id          TEXT    NOT NULL PRIMARY KEY, -- our own; lists are in its order
    instance_id TEXT    NOT NULL,             -- the seller's instance; '' while the seller applies for an application's credentials
    tenant_id   TEXT    NOT NULL,             -- the marketplace's
    order_id    TEXT    NOT NULL,             -- '' as the instance is
    tenant_code TEXT    NOT NULL,             -- selects the buyer's login domain
    name        TEXT    NOT NULL,             -- of the enterprise
    domain_name TEXT    NOT NULL,             -- address of the authentication centre
    created_at  INTEGER NOT NULL,             -- first call
    changed_at  INTEGER NOT NULL,             -- last call
    UNIQUE (instance_id, tenant_id)
) STRICT;
CREATE INDEX kit_tenants_of ON kit_tenants (tenant_id);

-- Their applications at the authentication centre.
CREATE TABLE kit_applications (
    id            TEXT    NOT NULL PRIMARY KEY, -- our own; lists are in its order
    instance_id   TEXT    NOT NULL,
    tenant_id     TEXT    NOT NULL,
    app_id        TEXT    NOT NULL,             -- the marketplace's
    client_id     TEXT    NOT NULL,             -- its name at the authentication centre
    client_secret BLOB    NOT NULL,             -- nonce and AES-256-GCM; never shown, never logged
    created_at    INTEGER NOT NULL,             -- first call
    changed_at    INTEGER NOT NULL,             -- last call
    UNIQUE (instance_id, tenant_id, app_id)
) STRICT;
CREATE INDEX kit_applications_of ON kit_applications (app_id);

-- Who of an enterprise may use an application.
CREATE TABLE kit_users (
    id            TEXT    NOT NULL PRIMARY KEY,              -- our own; lists are in its order
    instance_id   TEXT    NOT NULL,
    tenant_id     TEXT    NOT NULL,
    app_id        TEXT    NOT NULL,
    user_name     TEXT    NOT NULL,                          -- the authentication centre's userName
    name          TEXT    NOT NULL,                          -- of the person
    position      TEXT,                                      -- what the person does
    org_code      TEXT    NOT NULL,                          -- the department
    role          TEXT    NOT NULL CHECK (role IN ('user', 'admin')),
    enabled       INTEGER NOT NULL,                          -- whether the user may log in
    employee_code TEXT,
    mobile        TEXT,
    email         TEXT,
    entry_date    TEXT,                                      -- as it was sent
    employee_type INTEGER,                                   -- 1 to 4
    work_place    TEXT,
    created_at    INTEGER NOT NULL,                          -- first call
    changed_at    INTEGER NOT NULL,                          -- last call
    UNIQUE (instance_id, tenant_id, app_id, user_name)
) STRICT;

-- Departments, as they were received: the form of these calls is not public.
CREATE TABLE kit_organisations (
    id          TEXT    NOT NULL PRIMARY KEY, -- our own; lists are in its order
    instance_id TEXT    NOT NULL,             -- '' where the call names none
    tenant_id   TEXT    NOT NULL,             -- '' where the call names none
    whole       INTEGER NOT NULL,             -- allOrgSync, else singleOrgSync
    digest      BLOB    NOT NULL,             -- SHA-256 of the body: the same call is kept once
    body        TEXT    NOT NULL,             -- JSON
    received_at INTEGER NOT NULL,             -- the last time it came
    UNIQUE (whole, digest)
) STRICT;

-- Logins that the seller has not asked about yet.
CREATE TABLE kit_logins (
    code    BLOB    NOT NULL PRIMARY KEY, -- digest of the one-time code under the server's secret
    answer  BLOB    NOT NULL,             -- nonce and AES-256-GCM: who it is, as JSON
    expires INTEGER NOT NULL
) STRICT;
CREATE INDEX kit_logins_by_end ON kit_logins (expires);
