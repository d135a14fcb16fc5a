-- Lists that stay as fast when there are millions of rows.

-- Licenses of one product, however rare it is.
CREATE INDEX licenses_of_product ON licenses (product, id);

-- Instances that are frozen or released, however few they are.
CREATE INDEX instances_listed ON instances (id) WHERE state <> 'active';

-- Uploads that are not delivered, by state: those that are delivered are almost all. With every
-- state in it, taking the next uploads read it instead of uploads_due, and sorted the whole queue.
DROP INDEX uploads_by_state;
CREATE INDEX uploads_not_delivered ON uploads (state, id) WHERE state <> 'delivered';
