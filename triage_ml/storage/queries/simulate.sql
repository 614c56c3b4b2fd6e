-- name: past_cases
-- A page of cases before a place in the order of arrival, the newest first.
SELECT t.case_id, t.state, t.stage, t.received_at, t.repeat_actor, t.barred_reviewer, t.owner,
    t.awaits_scores, t.gap, t.scoring_failures, t.item, t.summary, t.language_guess, t.scores,
    t.placement, t.decision, v.body, v.context, v.erased_at,
    v.version_sha256, c.claim_id, c.reviewer, c.claimed_at,
    c.lease_expires_at, c.drawn_at_random, c.propensity, c.hints_withheld, c.held_until
FROM triage_case t
JOIN item_version v USING (item_id, version_sha256)
LEFT JOIN claim c ON c.claim_id = t.claim_id
WHERE t.received_at >= :since
    AND (t.received_at, t.case_id) < (:before_at::timestamptz, :before_id::uuid)
    AND t.state IN ('queued', 'claimed', 'decided')
    AND v.erased_at IS NULL
ORDER BY t.received_at DESC, t.case_id DESC
LIMIT :limit;

-- name: n_past_cases^
SELECT count(*) AS n FROM (
    SELECT FROM triage_case t
    JOIN item_version v USING (item_id, version_sha256)
    WHERE t.state IN ('queued', 'claimed', 'decided') AND v.erased_at IS NULL
    LIMIT :limit
) found;

-- name: recorded_scores
SELECT t.case_id, s.language, s.model_version, s.p_violation, s.labels
FROM triage_case t
CROSS JOIN LATERAL (
    SELECT language, model_version, p_violation, labels FROM score
    WHERE score.case_id = t.case_id AND score.version_sha256 = t.version_sha256
        AND score.model_version = :model_version
    ORDER BY score_id DESC
    LIMIT 1
) s
WHERE t.case_id = ANY (:case_ids);

-- name: handling_facts
-- By the gravest label found; of equally grave ones the first by name.
WITH times AS (
    SELECT t.language, coalesce(found.label, '') AS label, d.reviewer,
        extract(epoch FROM d.decided_at - c.claimed_at)::float8 AS seconds
    FROM decision d
    JOIN claim c USING (claim_id)
    JOIN triage_case t ON t.case_id = d.case_id
    LEFT JOIN LATERAL (
        SELECT f.key AS label FROM jsonb_each_text(d.body -> 'verdict' -> 'findings') f
        WHERE f.value::integer >= 1
        ORDER BY f.value::integer DESC, f.key COLLATE "C"
        LIMIT 1
    ) found ON true
    WHERE d.decided_at >= :since AND d.decided_at - c.claimed_at >= interval '2 seconds'
)
SELECT language, label, count(*) AS n,
    percentile_cont(ARRAY[0.25, 0.5, 0.75]::float8[]) WITHIN GROUP (ORDER BY seconds) AS seconds
FROM times
GROUP BY GROUPING SETS ((language, label), (language), ())
HAVING count(*) >= :min_n AND count(DISTINCT reviewer) >= :min_people
ORDER BY language NULLS FIRST, label NULLS FIRST;

-- name: add_comparison!
INSERT INTO comparison (comparison_id, made_at, made_by, kind, before_model, before_policy,
    after_model, after_policy, n_cases, summary, moves)
VALUES (:comparison_id, :made_at, :made_by, :kind, :before_model, :before_policy,
    :after_model, :after_policy, :n_cases, :summary::jsonb, :moves::jsonb);

-- name: comparisons
SELECT summary FROM comparison ORDER BY made_at DESC, comparison_id LIMIT :limit;

-- name: get_comparison^
SELECT summary, moves FROM comparison WHERE comparison_id = :comparison_id;

-- name: find_comparison^
SELECT summary FROM comparison
WHERE kind = 'models' AND before_model = :before AND after_model = :after
ORDER BY made_at DESC
LIMIT 1;
