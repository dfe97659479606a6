-- Rounds before the freeze: the policy that ends them, and how far they are. Nanoseconds, pages of 4096 bytes, bytes.

ALTER TABLE migration ADD COLUMN downtime_budget BIGINT;
ALTER TABLE migration ADD COLUMN max_rounds INTEGER NOT NULL DEFAULT 30;
ALTER TABLE migration ADD COLUMN rounds INTEGER NOT NULL DEFAULT 0;
ALTER TABLE migration ADD COLUMN rounds_total_pages BIGINT NOT NULL DEFAULT 0;
ALTER TABLE migration ADD COLUMN rounds_held_pages BIGINT NOT NULL DEFAULT 0;
ALTER TABLE migration ADD COLUMN rounds_pages_sent BIGINT NOT NULL DEFAULT 0;
ALTER TABLE migration ADD COLUMN rounds_zero_pages BIGINT NOT NULL DEFAULT 0;
ALTER TABLE migration ADD COLUMN rounds_bytes_on_wire BIGINT NOT NULL DEFAULT 0;
ALTER TABLE migration ADD COLUMN rounds_end VARCHAR(32) NOT NULL DEFAULT '';
ALTER TABLE migration ADD COLUMN stale_pages BIGINT NOT NULL DEFAULT 0;
