-- name: chance_draws
-- What chance drew, by what the model had said and what people found in the end: a draw counts
-- whoever decided its case, and one that nobody did has no truth. `blind`: first decisions taken
-- without hints.
WITH drawn AS (
    SELECT 'waiting' AS sample, c.case_id, 1 / c.propensity AS weight
    FROM claim c
    LEFT JOIN reading r ON r.case_id = c.case_id
    WHERE c.drawn_at_random AND c.claimed_at >= :since AND c.claimed_at < :until
        AND (r.case_id IS NULL OR c.claimed_at <= r.claimed_at)
    UNION ALL
    SELECT 'blind', d.case_id, 1
    FROM decision d
    WHERE d.stage = 'first' AND d.decided_at >= :since AND d.decided_at < :until
        AND NOT is_unread(d.body) AND (d.body ->> 'hints_withheld')::boolean
)
SELECT drawn.sample, coalesce(r.language, t.language) AS language,
    coalesce(r.model_version, '') AS model_version,
    coalesce(r.scored, '{}') AS scored, coalesce(r.found, '{}') AS found,
    CASE WHEN t.decision IS NOT NULL AND NOT is_unread(t.decision)
        THEN labels_true(t.decision) END AS found_true,
    count(*) AS n, sum(weight)::float8 AS weights, sum(weight * weight)::float8 AS squares
FROM drawn
JOIN triage_case t USING (case_id)
LEFT JOIN reading r USING (case_id)
WHERE :any_queue OR (t.queue = ANY (:queues) AND (r.queue IS NULL OR r.queue = ANY (:queues)))
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY 1, 2, 3, 4, 5, 6;

-- name: received_groups
-- Every case received, spread evenly over the random draws made after it came, of its queue and
-- tier: those after the claim that decided it know it, those before it did not. The mass of a draw
-- is how many it was drawn from over how many draws its case saw; constants fall out.
-- width_bucket counts the draws up to a moment.
WITH placed AS MATERIALIZED (
    SELECT t.case_id, coalesce(r.queue, t.queue) AS queue, coalesce(r.tier, t.tier) AS tier,
        coalesce(r.language, t.language) AS language, t.received_at, r.claimed_at,
        coalesce(r.model_version, t.scores ->> 'model_version', '') AS model_version,
        coalesce(r.scored, labels_scored(t.scores)) AS scored,
        coalesce(r.found, labels_found(t.scores)) AS found,
        CASE WHEN r.case_id IS NOT NULL AND NOT is_unread(t.decision)
            THEN labels_true(t.decision) END AS found_true
    FROM triage_case t
    LEFT JOIN reading r USING (case_id)
    WHERE t.received_at >= :since AND t.received_at < :until AND t.state <> 'withdrawn'
        AND (:any_queue OR (t.queue = ANY (:queues) AND (r.queue IS NULL OR r.queue = ANY (:queues))))
), draws AS MATERIALIZED (
    SELECT c.case_id, r.queue, r.tier, c.claimed_at, 1 / c.propensity AS weight
    FROM claim c
    JOIN reading r ON r.case_id = c.case_id AND c.claimed_at <= r.claimed_at
    WHERE c.drawn_at_random AND c.claimed_at >= :since AND c.claimed_at < :until
), times AS MATERIALIZED (
    SELECT queue, tier, array_agg(claimed_at ORDER BY claimed_at) AS moments
    FROM draws
    GROUP BY queue, tier
), own AS MATERIALIZED (
    SELECT case_id, count(*) AS n, sum(weight) AS weight, sum(weight * weight) AS square
    FROM draws
    GROUP BY case_id
), spread AS (
    SELECT placed.*, own.n AS n_own, own.weight, own.square,
        coalesce(cardinality(moments) - width_bucket(received_at, moments), 0) AS n_after,
        coalesce(width_bucket(claimed_at, moments), cardinality(moments))
            - width_bucket(received_at, moments) AS n_before_claim
    FROM placed
    LEFT JOIN times USING (queue, tier)
    LEFT JOIN own USING (case_id)
), told AS (
    -- After the last draw of a queue and tier: known where all are decided, untold where not.
    SELECT *, n_after > 0 OR bool_and(found_true IS NOT NULL)
            OVER (PARTITION BY queue, tier, n_after > 0) AS covered,
        CASE WHEN n_after > 0 THEN n_before_claim::float8 / n_after ELSE 0 END AS waiting
    FROM spread
)
SELECT language, model_version, scored, found, found_true,
    count(*) AS n, count(*) FILTER (WHERE NOT covered) AS n_uncovered,
    coalesce(sum(1 - waiting) FILTER (WHERE covered), 0) AS known,
    coalesce(sum(waiting) FILTER (WHERE covered), 0) AS waiting,
    coalesce(sum(n_own) FILTER (WHERE n_after > 0), 0)::bigint AS n_drawn,
    coalesce(sum(weight / n_after) FILTER (WHERE n_after > 0), 0)::float8 AS weights,
    coalesce(sum(square / n_after ^ 2) FILTER (WHERE n_after > 0), 0)::float8 AS squares
FROM told
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1, 2, 3, 4, 5;
