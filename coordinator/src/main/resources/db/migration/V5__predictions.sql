-- What the planner expected a migration to take, null if it predicted nothing. Nanoseconds, bytes.

ALTER TABLE migration ADD COLUMN max_total_time BIGINT;
ALTER TABLE migration ADD COLUMN expected_downtime_low BIGINT;
ALTER TABLE migration ADD COLUMN expected_downtime BIGINT;
ALTER TABLE migration ADD COLUMN expected_downtime_high BIGINT;
ALTER TABLE migration ADD COLUMN expected_total_time_low BIGINT;
ALTER TABLE migration ADD COLUMN expected_total_time BIGINT;
ALTER TABLE migration ADD COLUMN expected_total_time_high BIGINT;
ALTER TABLE migration ADD COLUMN expected_bytes_on_wire BIGINT;
