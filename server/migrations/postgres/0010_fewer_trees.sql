-- What a new license costs is what it changes in trees of rows and indexes; these are fewer.

-- A license is one upload for one event, and its content is the license's: no digest of it. The
-- column takes its unique index with it.
ALTER TABLE uploads DROP COLUMN sha256;
DROP INDEX uploads_of_license;
CREATE UNIQUE INDEX uploads_of_license ON uploads (license_id, event_id);
-- Those that are being sent are found by uploads_not_delivered.
DROP INDEX uploads_in_flight;
-- The oldest of an instance are found without the others.
DROP INDEX uploads_undelivered;
CREATE INDEX uploads_undelivered ON uploads (instance_id, id)
    WHERE state IN ('queued', 'sending', 'failed', 'unclear');

-- Only those that were enrolled by the activation code are counted by the hour.
DROP INDEX machines_of_instance;
CREATE INDEX machines_by_code ON machines (instance_id, enrolled_at) WHERE by_code;

-- A machine that is freed is one of its instance's, whose digests stand together already.
DROP INDEX machine_digests_of;
