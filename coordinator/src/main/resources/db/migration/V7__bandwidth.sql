-- Bytes of page contents a second, 0: as fast as may be. What was asked for, and what holds since it was changed.

ALTER TABLE migration ADD COLUMN asked_bandwidth BIGINT NOT NULL DEFAULT 0;
ALTER TABLE migration ADD COLUMN max_bandwidth BIGINT NOT NULL DEFAULT 0;
