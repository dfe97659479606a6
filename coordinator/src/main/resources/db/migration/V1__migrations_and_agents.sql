-- Times are microseconds since 1970-01-01 UTC, durations are nanoseconds. Types and statements are common to SQLite and
-- PostgreSQL.

CREATE TABLE migration (
  id                 VARCHAR(64)   NOT NULL PRIMARY KEY,
  request_id         VARCHAR(128)  NOT NULL,
  source_node        VARCHAR(253)  NOT NULL,
  target_node        VARCHAR(253)  NOT NULL,
  workload_kind      VARCHAR(32)   NOT NULL,
  workload_name      VARCHAR(253)  NOT NULL,
  requested_strategy VARCHAR(32)   NOT NULL,
  strategy           VARCHAR(32)   NOT NULL,
  service_addresses  TEXT          NOT NULL, -- one a line
  phase              VARCHAR(32)   NOT NULL,
  done               SMALLINT      NOT NULL,
  epoch              BIGINT        NOT NULL,
  revision           BIGINT        NOT NULL,
  created_at         BIGINT        NOT NULL,
  updated_at         BIGINT        NOT NULL,
  finished_at        BIGINT,
  trace_parent       VARCHAR(64)   NOT NULL,
  failure_reason     VARCHAR(64),
  failure_message    TEXT,
  failure_criu_log   TEXT,                   -- one line a line
  frozen_at          BIGINT,
  freeze_time        BIGINT,
  image_bytes        BIGINT        NOT NULL,
  pages              BIGINT        NOT NULL,
  restore_time       BIGINT,
  downtime           BIGINT,
  push_total_pages   BIGINT        NOT NULL,
  push_stored_pages  BIGINT        NOT NULL,
  push_pages_sent    BIGINT        NOT NULL,
  push_zero_pages    BIGINT        NOT NULL,
  push_bytes_on_wire BIGINT        NOT NULL,
  push_complete      SMALLINT      NOT NULL,
  bytes_per_second   BIGINT        NOT NULL,
  demand_faults      BIGINT        NOT NULL
);

CREATE UNIQUE INDEX migration_request ON migration (request_id);
-- What makes two migrations of one workload at a time impossible.
CREATE UNIQUE INDEX migration_active_workload ON migration (source_node, workload_kind, workload_name) WHERE done = 0;
CREATE INDEX migration_newest ON migration (created_at, id);

CREATE TABLE agent (
  node                   VARCHAR(253) NOT NULL,
  role                   VARCHAR(16)  NOT NULL,
  endpoint               VARCHAR(300) NOT NULL,
  version                VARCHAR(128) NOT NULL,
  last_heartbeat_at      BIGINT       NOT NULL,
  architecture           VARCHAR(64)  NOT NULL,
  cpu_features           TEXT         NOT NULL, -- one a line
  kernel_release         VARCHAR(128) NOT NULL,
  criu_version           VARCHAR(64)  NOT NULL,
  lazy_restore           SMALLINT     NOT NULL,
  runtimes               TEXT         NOT NULL, -- one a line
  available_memory_bytes BIGINT       NOT NULL,
  total_memory_bytes     BIGINT       NOT NULL,
  PRIMARY KEY (node, role)
);
