-- name: is_case^
SELECT true FROM triage_case WHERE case_id = :case_id;

-- name: scores_of
SELECT score_id, case_id, version_sha256, at, arm::text AS arm, model_version, language, n_chars,
    p_violation, labels
FROM score WHERE case_id = :case_id ORDER BY score_id;

-- name: scores_since
-- By time: a page by id alone would read every score before the first day asked for.
SELECT s.score_id, s.case_id, s.version_sha256, s.at, s.arm::text AS arm, s.model_version,
    s.language, s.n_chars, s.p_violation, s.labels
FROM score s JOIN triage_case t USING (case_id)
WHERE s.at < :until AND t.queue = ANY (:queues) AND (s.at, s.score_id) > (
    coalesce((SELECT at FROM score WHERE score_id = :after), :since::timestamptz), :after::bigint
)
ORDER BY s.at, s.score_id
LIMIT :limit;

-- name: add_scores!
INSERT INTO score (case_id, version_sha256, at, arm, model_version, language, n_chars,
    p_violation, labels)
SELECT case_id, version_sha256, at, arm, model_version, language, n_chars, p_violation, labels
FROM json_to_recordset(:scores::json) AS s (
    case_id uuid, version_sha256 text, at timestamptz, arm score_arm, model_version text,
    language text, n_chars integer, p_violation float8, labels jsonb
);
