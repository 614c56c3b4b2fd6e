-- Where a case stood before a complaint, and what analysts need to compare decisions with and
-- without hints.
-- depends: 0011_trends

-- The last placement in the log before the first complaint: queue, due_at and the rest.
CREATE FUNCTION placed_before_appeal(the_case uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT detail FROM case_event
    WHERE case_id = the_case AND detail ? 'due_at' AND sequence < (
        SELECT min(sequence) FROM case_event WHERE case_id = the_case AND step = 'appealed'
    )
    ORDER BY sequence DESC
    LIMIT 1
$$;

-- Whether hints mislead is what the blind arm is for, so analysts can tell it apart.
CREATE OR REPLACE VIEW analytics.claims WITH (security_barrier) AS
SELECT k.claim_id, k.case_id, k.claimed_at, k.ended_at, k.ended_by::text AS ended_by,
    k.drawn_at_random, k.propensity, c.language, c.queue, k.hints_withheld
FROM claim k
JOIN analytics.cases c USING (case_id);

CREATE OR REPLACE VIEW analytics.decisions WITH (security_barrier) AS
SELECT d.decision_id, d.case_id, d.decided_at, (d.decided_at AT TIME ZONE 'UTC')::date AS decided_on,
    d.stage::text AS stage, d.upheld, d.policy_version,
    d.body -> 'verdict' ->> 'action' AS action, d.body ->> 'dsa_category' AS dsa_category,
    extract(epoch FROM d.decided_at - k.claimed_at)::float8 AS handling_seconds,
    c.language, c.surface, c.queue,
    coalesce((d.body ->> 'hints_withheld')::boolean, false) AS hints_withheld
FROM decision d
JOIN analytics.cases c USING (case_id)
JOIN claim k USING (claim_id);
