-- name: add_model!
INSERT INTO model (version, manifest_sha256, published_at)
VALUES (:version, :manifest_sha256, :at)
ON CONFLICT DO NOTHING;

-- name: find_model^
SELECT manifest_sha256 FROM model WHERE version = :version;

-- name: keep_model_files!
-- As good as uploaded just now: what is about to go live is not dropped meanwhile.
UPDATE model_file SET uploaded_at = :at WHERE version = :version;

-- name: add_model_file!
INSERT INTO model_file (version, name, sha256, n_bytes, uploaded_at)
VALUES (:version, :name, :sha256, :n_bytes, :at);

-- name: add_model_chunk!
INSERT INTO model_chunk (version, name, number, bytes)
VALUES (:version, :name, :number, :bytes);

-- name: model_files
SELECT name, sha256, n_bytes FROM model_file WHERE version = :version ORDER BY name;

-- name: model_chunk^
SELECT bytes FROM model_chunk WHERE (version, name, number) = (:version, :name, :number);

-- name: lock_live_model#
-- One writer: the order of the numbers is the order of the commits. Readers are not held up.
LOCK TABLE model_live IN SHARE ROW EXCLUSIVE MODE;

-- name: make_model_live!
INSERT INTO model_live (version, live_at, made_by, reason)
SELECT :version, :at, :by, :why
WHERE EXISTS (SELECT FROM model_file WHERE version = :version);

-- name: live_models
-- The newest first.
SELECT number, version, manifest_sha256 AS sha256, live_at AS at, made_by AS by, reason AS why
FROM model_live JOIN model USING (version)
ORDER BY number DESC
LIMIT :limit;

-- name: forget_models!
-- Drop the files of all but the versions that were live last and the one beside the live model.
-- What was uploaded lately may be about to go live.
DELETE FROM model_file WHERE uploaded_at < :before AND version NOT IN (
    SELECT version FROM model_live GROUP BY version ORDER BY max(number) DESC LIMIT :n_kept
) AND version NOT IN (
    SELECT version FROM model_rollout
    WHERE number = (SELECT max(number) FROM model_rollout) AND stage <> 'ended'
);
