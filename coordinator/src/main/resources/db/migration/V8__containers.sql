-- What is to become of a container on the target: empty where nothing was said, or the workload is none. A line of
-- container_mounts is the treatment of a mount, a blank, and its destination.

ALTER TABLE migration ADD COLUMN container_bundle TEXT NOT NULL DEFAULT '';
ALTER TABLE migration ADD COLUMN container_runtime_root TEXT NOT NULL DEFAULT '';
ALTER TABLE migration ADD COLUMN container_cgroup_parent TEXT NOT NULL DEFAULT '';
ALTER TABLE migration ADD COLUMN container_mounts TEXT NOT NULL DEFAULT '';
ALTER TABLE migration ADD COLUMN container_tcp_connections VARCHAR(32) NOT NULL DEFAULT 'KEEP';
