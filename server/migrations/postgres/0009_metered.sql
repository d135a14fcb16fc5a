-- How what was bought is paid, in the marketplace's word: what is used of it counts only where it
-- is paid by use.
ALTER TABLE orders ADD COLUMN charging TEXT;       -- chargingMode; NULL: not said, or read before this column was
ALTER TABLE instances ADD COLUMN charging TEXT;    -- of the order in force

-- The marketplace tries the first edition's calls for longer before it pays an order back.
ALTER TABLE instances ADD COLUMN first_edition BOOLEAN NOT NULL DEFAULT FALSE;  -- true: created by a call of that edition

-- Usage that a program reported.
ALTER TABLE usage_records ADD COLUMN license_id TEXT; -- by which license; NULL: an operator pushed it
ALTER TABLE usage_records ADD COLUMN number TEXT;     -- the program's own number of the record
