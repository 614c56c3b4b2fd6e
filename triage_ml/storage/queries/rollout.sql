-- name: trials
-- The newest first.
SELECT r.number, r.version, m.manifest_sha256 AS sha256, r.stage::text AS stage, r.share,
    r.against, r.at, r.made_by AS by, r.reason AS why, r.limits
FROM model_rollout r JOIN model m USING (version)
ORDER BY r.number DESC
LIMIT :limit;

-- name: has_model_files^
SELECT EXISTS (SELECT FROM model_file WHERE version = :version) AS there;

-- name: add_trial!
INSERT INTO model_rollout (version, against, stage, share, at, made_by, reason, limits)
VALUES (:version, :against, :stage, :share, :at, :by, :why, :limits);

-- name: add_tally!
-- In one order everywhere, so that two servers never wait for each other.
INSERT INTO rollout_tally AS t (number, measure, language, outcome, n)
SELECT :number, measure, language, outcome, n
FROM json_to_recordset(:counts::json) AS c (measure text, language text, outcome text, n bigint)
ORDER BY measure, language, outcome
ON CONFLICT (number, measure, language, outcome) DO UPDATE SET n = t.n + excluded.n;

-- name: tally
SELECT measure, language, outcome, n FROM rollout_tally WHERE number = :number;

-- name: decided_pairs
-- Cases that were decided after both models had scored the text that was decided on; each case
-- once, by its newest scores. Decisions are few and scores are many, so it begins with those.
WITH decided AS MATERIALIZED (
    SELECT DISTINCT t.case_id, t.version_sha256, t.upheld, t.decided_at
    FROM decision d JOIN triage_case t USING (case_id)
    WHERE d.decided_at >= :since AND t.state = 'decided' AND t.queue = ANY (:queues)
        AND NOT is_unread(t.decision)
)
SELECT beside.language, decided.upheld, beside.p_violation >= :alarm_at AS beside,
    live.p_violation >= :alarm_at AS live, count(*) AS n
FROM decided CROSS JOIN LATERAL (
    SELECT language, p_violation FROM score
    WHERE case_id = decided.case_id AND version_sha256 = decided.version_sha256
        AND arm = 'shadow' AND model_version = :version
        AND at >= :since AND at <= decided.decided_at
    ORDER BY score_id DESC
    LIMIT 1
) beside CROSS JOIN LATERAL (
    SELECT p_violation FROM score
    WHERE case_id = decided.case_id AND version_sha256 = decided.version_sha256
        AND arm = 'live' AND model_version = :against
    ORDER BY score_id DESC
    LIMIT 1
) live
GROUP BY 1, 2, 3, 4;
