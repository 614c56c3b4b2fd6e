-- name: add_policy!
INSERT INTO policy_version (version, sha256, documents, first_seen_at)
VALUES (:version, :sha256, :documents::jsonb, :at)
ON CONFLICT DO NOTHING;

-- name: lock_live_policy#
-- One writer: servers that start together note one change.
LOCK TABLE policy_live IN SHARE ROW EXCLUSIVE MODE;

-- name: note_policy!
-- Unless the newest row says so already.
INSERT INTO policy_live (version, sha256, live_at)
SELECT :version, :sha256, :at
WHERE NOT EXISTS (
    SELECT FROM (SELECT version, sha256 FROM policy_live ORDER BY number DESC LIMIT 1) newest
    WHERE newest.version = :version AND newest.sha256 = :sha256
);

-- name: kept_policies
SELECT version, sha256, documents AS files, first_seen_at
FROM policy_version
ORDER BY first_seen_at, version COLLATE "C", sha256;

-- name: find_policies
SELECT version, sha256, documents AS files, first_seen_at
FROM policy_version
WHERE version = :version
ORDER BY first_seen_at, sha256;

-- name: policy_history
-- The newest first.
SELECT number, version, sha256, live_at AS at
FROM policy_live
ORDER BY number DESC
LIMIT :limit;
