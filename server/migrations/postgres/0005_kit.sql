-- The tables and columns of migrations/sqlite/0005_kit.sql with the types of PostgreSQL.

-- Enterprises of buyers, as the joint-operation kit told of them.
CREATE TABLE kit_tenants (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- our own; lists are in its order
    instance_id TEXT COLLATE "C" NOT NULL,             -- the seller's instance; '' while the seller applies for an application's credentials
    tenant_id   TEXT COLLATE "C" NOT NULL,             -- the marketplace's
    order_id    TEXT COLLATE "C" NOT NULL,             -- '' as the instance is
    tenant_code TEXT COLLATE "C" NOT NULL,             -- selects the buyer's login domain
    name        TEXT COLLATE "C" NOT NULL,             -- of the enterprise
    domain_name TEXT COLLATE "C" NOT NULL,             -- address of the authentication centre
    created_at  BIGINT           NOT NULL,             -- first call
    changed_at  BIGINT           NOT NULL,             -- last call
    UNIQUE (instance_id, tenant_id)
);
CREATE INDEX kit_tenants_of ON kit_tenants (tenant_id);

-- Their applications at the authentication centre.
CREATE TABLE kit_applications (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- our own; lists are in its order
    instance_id   TEXT COLLATE "C" NOT NULL,
    tenant_id     TEXT COLLATE "C" NOT NULL,
    app_id        TEXT COLLATE "C" NOT NULL,             -- the marketplace's
    client_id     TEXT COLLATE "C" NOT NULL,             -- its name at the authentication centre
    client_secret BYTEA            NOT NULL,             -- nonce and AES-256-GCM; never shown, never logged
    created_at    BIGINT           NOT NULL,             -- first call
    changed_at    BIGINT           NOT NULL,             -- last call
    UNIQUE (instance_id, tenant_id, app_id)
);
CREATE INDEX kit_applications_of ON kit_applications (app_id);

-- Who of an enterprise may use an application.
CREATE TABLE kit_users (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,     -- our own; lists are in its order
    instance_id   TEXT COLLATE "C" NOT NULL,
    tenant_id     TEXT COLLATE "C" NOT NULL,
    app_id        TEXT COLLATE "C" NOT NULL,
    user_name     TEXT COLLATE "C" NOT NULL,                 -- the authentication centre's userName
    name          TEXT COLLATE "C" NOT NULL,                 -- of the person
    position      TEXT COLLATE "C",                          -- what the person does
    org_code      TEXT COLLATE "C" NOT NULL,                 -- the department
    role          TEXT COLLATE "C" NOT NULL CHECK (role IN ('user', 'admin')),
    enabled       BOOLEAN          NOT NULL,                 -- whether the user may log in
    employee_code TEXT COLLATE "C",
    mobile        TEXT COLLATE "C",
    email         TEXT COLLATE "C",
    entry_date    TEXT COLLATE "C",                          -- as it was sent
    employee_type BIGINT,                                    -- 1 to 4
    work_place    TEXT COLLATE "C",
    created_at    BIGINT           NOT NULL,                 -- first call
    changed_at    BIGINT           NOT NULL,                 -- last call
    UNIQUE (instance_id, tenant_id, app_id, user_name)
);

-- Departments, as they were received: the form of these calls is not public.
CREATE TABLE kit_organisations (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- our own; lists are in its order
    instance_id TEXT COLLATE "C" NOT NULL,             -- '' where the call names none
    tenant_id   TEXT COLLATE "C" NOT NULL,             -- '' where the call names none
    whole       BOOLEAN          NOT NULL,             -- allOrgSync, else singleOrgSync
    digest      BYTEA            NOT NULL,             -- SHA-256 of the body: the same call is kept once
    body        TEXT COLLATE "C" NOT NULL,             -- JSON
    received_at BIGINT           NOT NULL,             -- the last time it came
    UNIQUE (whole, digest)
);

-- Logins that the seller has not asked about yet.
CREATE TABLE kit_logins (
    code    BYTEA  NOT NULL PRIMARY KEY, -- digest of the one-time code under the server's secret
    answer  BYTEA  NOT NULL,             -- nonce and AES-256-GCM: who it is, as JSON
    expires BIGINT NOT NULL
);
CREATE INDEX kit_logins_by_end ON kit_logins (expires);
