-- What was done and by whom, in chains that show when something was changed or taken away. One
-- chain a server, one link a transaction; OPERATIONS.md says how it is verified.
CREATE TABLE audit (
    server   TEXT COLLATE "C" NOT NULL, -- whose chain: the id in a server's data folder
    seq      BIGINT           NOT NULL, -- 1, 2, 3 … without a gap; the oldest are swept
    at       BIGINT           NOT NULL, -- by that server's clock
    entries  TEXT COLLATE "C" NOT NULL, -- canonical JSON: action, who, ids, outcome; no names, no codes, no texts
    previous BYTEA            NOT NULL, -- `hash` of the link before; zeros before the first
    hash     BYTEA            NOT NULL, -- SHA-256 of the link's canonical form
    PRIMARY KEY (server, seq)
);
CREATE INDEX audit_by_time ON audit (server, at, seq);
