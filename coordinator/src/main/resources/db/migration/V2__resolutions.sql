-- What an operator decided about a migration, and whether the node that was abandoned has yet to be told.

ALTER TABLE migration ADD COLUMN resolution VARCHAR(32);
ALTER TABLE migration ADD COLUMN fence_pending SMALLINT NOT NULL DEFAULT 0;
