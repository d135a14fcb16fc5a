-- The first edition says that the end of what was bought has come (`expireInstance`); a renewal lets
-- go what only that has stopped.
ALTER TABLE instances ADD COLUMN expired INTEGER NOT NULL DEFAULT 0; -- 1: frozen for that reason alone
