-- How the source knew what was written in rounds; empty if it did not say.

ALTER TABLE migration ADD COLUMN rounds_tracker VARCHAR(32) NOT NULL DEFAULT '';
