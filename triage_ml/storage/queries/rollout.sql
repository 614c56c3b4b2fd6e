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
-- What was decided counts for one line of the log only. Rows that a server is writing stay until the
-- next line, under the number of an older one: to wait for them could be to wait for each other.
WITH forgotten AS (
    DELETE FROM decided_pair
    WHERE case_id IN (SELECT case_id FROM decided_pair FOR UPDATE SKIP LOCKED)
)
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
SELECT p.language, p.upheld, p.beside >= :alarm_at AS beside, p.live >= :alarm_at AS live,
    count(*) AS n
FROM decided_pair p JOIN model_rollout r USING (number)
WHERE r.number = :number AND r.version = :version AND p.queue = ANY (:queues)
GROUP BY 1, 2, 3, 4;
