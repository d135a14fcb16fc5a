-- The first edition says that the end of what was bought has come (`expireInstance`); a renewal lets
-- go what only that has stopped.
ALTER TABLE instances ADD COLUMN expired BOOLEAN NOT NULL DEFAULT FALSE; -- true: frozen for that reason alone
