-- How long the workload waited for a page that was still on the source, in nanoseconds: median and 99th percentile.

ALTER TABLE migration ADD COLUMN demand_fault_p50 BIGINT NOT NULL DEFAULT 0;
ALTER TABLE migration ADD COLUMN demand_fault_p99 BIGINT NOT NULL DEFAULT 0;
