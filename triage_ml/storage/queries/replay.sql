-- name: find_text^
SELECT v.body AS text, v.context
FROM triage_case t
JOIN item_version v USING (item_id)
WHERE t.case_id = :case_id AND v.version_sha256 = :version_sha256;

-- name: models_used
SELECT arm::text AS arm, model_version, count(*) AS n, min(at) AS first_at, max(at) AS last_at
FROM score
WHERE at >= :since AND at < :until
GROUP BY arm, model_version
ORDER BY score.arm, model_version COLLATE "C";
