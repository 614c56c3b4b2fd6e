-- name: claim
-- Lease the n most urgent cases of a queue: tier first, then the live index. One statement.
--
-- near     per tier, most urgent first: the cases with the highest base index, the nearest due
--          time and the oldest leases that ran out; each an index scan that stops early.
--          Exact up to 64 cases a tier; in longer ones a case that leads neither by harm nor
--          by its clock waits until it does.
-- window   the cases of the most urgent tier that this reviewer may claim and whose lots follow
--          a random point, 256 at most, round the end of the scale; read only when a slot of
--          this claim is drawn at random, which happens with random_share. A case's lot is a
--          number between 0 and 1 that chance gave it when it came. Up to 255 such cases the
--          window holds all of them and a draw is uniform; in longer tiers it is uniform over
--          the lots, and a case's chance differs from 1 / N by about a sixteenth.
-- picked   locks in order, skipping what others lock. A row that changed since the snapshot is
--          looked at again under its lock: hence all conditions once more, or a case could be
--          leased twice, or out of a queue it has left, or to the reviewer an appeal bars.
--          A text newer than the snapshot could not be read here: such a case is passed over.
--
-- hints_withheld: drawn for each case with blind_share, to learn whether hints mislead. Never in
-- T0, where a person may be in danger and a hint may be what saves time.
--
-- propensity: share / N for a random draw, (1 - share) + share / N for a ranked one. N is the
-- number of cases that could be drawn: counted up to 255, above it told from how far apart the
-- lots of the window lie, with a standard error of about
-- a sixteenth. A purely ranked claim counts those of
-- near, which are all of them up to 64 and for larger tiers leaves an error below share / 64.
WITH near AS MATERIALIZED (
    SELECT found.case_id, found.tier, found.version_sha256
    FROM generate_series(0, 4) AS level
    CROSS JOIN LATERAL (
        (SELECT case_id, tier, version_sha256 FROM triage_case
         WHERE queue = :queue AND tier = level AND state = 'queued'
             AND barred_reviewer IS DISTINCT FROM :reviewer
             AND (:any_language OR language = ANY (:languages))
             AND NOT labels && :excluded_labels
         ORDER BY base_index DESC
         LIMIT 64 + :n)
        UNION
        (SELECT case_id, tier, version_sha256 FROM triage_case
         WHERE queue = :queue AND tier = level AND state = 'queued'
             AND barred_reviewer IS DISTINCT FROM :reviewer
             AND (:any_language OR language = ANY (:languages))
             AND NOT labels && :excluded_labels
         ORDER BY due_at
         LIMIT 64 + :n)
        UNION
        (SELECT case_id, tier, version_sha256 FROM triage_case
         WHERE queue = :queue AND tier = level AND state = 'claimed'
             AND lease_expires_at <= :now
             AND barred_reviewer IS DISTINCT FROM :reviewer
             AND (:any_language OR language = ANY (:languages))
             AND NOT labels && :excluded_labels
         ORDER BY lease_expires_at
         LIMIT 64 + :n)
    ) found
    LIMIT 4 * (64 + :n)
), best AS MATERIALIZED (
    SELECT min(tier) AS tier FROM near
), lots AS MATERIALIZED (
    SELECT count(*) AS n_random FROM generate_series(1, :n) WHERE random() < :random_share
), point AS MATERIALIZED (
    SELECT random() AS u
), window_of_lots AS MATERIALIZED (
    SELECT case_id, version_sha256, distance
    FROM (
        (SELECT case_id, version_sha256, lot - (SELECT u FROM point) AS distance
         FROM triage_case
         WHERE (SELECT n_random FROM lots) > 0
             AND queue = :queue AND tier = (SELECT tier FROM best)
             AND lot >= (SELECT u FROM point)
             AND state IN ('queued', 'claimed')
             AND (state = 'queued' OR lease_expires_at <= :now)
             AND barred_reviewer IS DISTINCT FROM :reviewer
             AND (:any_language OR language = ANY (:languages))
             AND NOT labels && :excluded_labels
         ORDER BY lot
         LIMIT 256)
        UNION ALL
        (SELECT case_id, version_sha256, lot - (SELECT u FROM point) + 1 AS distance
         FROM triage_case
         WHERE (SELECT n_random FROM lots) > 0
             AND queue = :queue AND tier = (SELECT tier FROM best)
             AND lot < (SELECT u FROM point)
             AND state IN ('queued', 'claimed')
             AND (state = 'queued' OR lease_expires_at <= :now)
             AND barred_reviewer IS DISTINCT FROM :reviewer
             AND (:any_language OR language = ANY (:languages))
             AND NOT labels && :excluded_labels
         ORDER BY lot
         LIMIT 256)
    ) ring
    ORDER BY distance
    LIMIT 256
), lottery AS MATERIALIZED (
    SELECT case_id, version_sha256 FROM window_of_lots
    ORDER BY random()
    LIMIT (SELECT n_random FROM lots)
), tier_size AS MATERIALIZED (
    SELECT greatest(
        (SELECT CASE WHEN count(*) < 256 THEN count(*) ELSE 255 / max(distance) END
         FROM window_of_lots),
        (SELECT count(*) FROM near WHERE tier = (SELECT tier FROM best))
    )::float8 AS n_eligible
), candidates AS MATERIALIZED (
    SELECT case_id, version_sha256, bool_or(at_random) AS at_random
    FROM (
        SELECT case_id, version_sha256, true AS at_random FROM lottery
        UNION ALL
        SELECT case_id, version_sha256, false FROM near
    ) either
    GROUP BY case_id, version_sha256
), picked AS MATERIALIZED (
    SELECT t.case_id, t.claim_id AS old_claim_id, t.tier, version_sha256, t.item_id,
        candidates.at_random, gen_random_uuid() AS claim_id,
        -- :now was taken before this statement waited; the claim before may have ended since
        greatest(:now, t.freed_at) AS claimed_at,
        live_index(t.base_index, t.handling_seconds, t.received_at, t.due_at,
            :urgency_weight, :age_weight, :now) AS urgency
    FROM candidates
    JOIN triage_case t USING (case_id, version_sha256)
    WHERE t.queue = :queue AND t.state IN ('queued', 'claimed')
        AND (t.state = 'queued' OR t.lease_expires_at <= :now)
        AND t.barred_reviewer IS DISTINCT FROM :reviewer
        AND (:any_language OR t.language = ANY (:languages))
        AND NOT t.labels && :excluded_labels
    ORDER BY candidates.at_random DESC, t.tier, urgency DESC, t.received_at, t.case_id
    LIMIT :n
    FOR UPDATE OF t SKIP LOCKED
), expired AS (
    UPDATE claim c SET ended_at = :now, ended_by = 'lease_expired'
    FROM picked
    WHERE c.claim_id = picked.old_claim_id
    RETURNING c.case_id, c.claim_id, c.reviewer
), leased AS (
    INSERT INTO claim (claim_id, case_id, reviewer, claimed_at, lease_expires_at,
        drawn_at_random, propensity, hints_withheld)
    SELECT picked.claim_id, picked.case_id, :reviewer, picked.claimed_at, :lease_expires_at,
        picked.at_random,
        CASE WHEN picked.at_random THEN 0 ELSE 1 - :random_share::float8 END
            + :random_share::float8 / n_eligible,
        picked.tier >= 1 AND random() < :blind_share::float8
    FROM picked, tier_size
    WHERE (SELECT count(*) FROM expired) >= 0
    RETURNING claim_id, case_id, claimed_at, drawn_at_random, propensity, hints_withheld, held_until
), moved AS (
    UPDATE triage_case t
    SET state = 'claimed', claim_id = picked.claim_id, lease_expires_at = :lease_expires_at
    FROM picked
    WHERE t.case_id = picked.case_id
    RETURNING t.case_id, t.state, t.stage, t.received_at, t.repeat_actor, t.barred_reviewer,
        t.owner, t.awaits_scores, t.gap, t.scoring_failures, t.item, t.summary,
        t.language_guess, t.scores, t.placement, t.decision
), logged AS (
    INSERT INTO case_event (case_id, at, step, actor, from_state, to_state, detail)
    SELECT line.case_id, line.at, line.step, line.actor, line.from_state, line.to_state, line.detail
    FROM (
        SELECT case_id, :now::timestamptz AS at, 1 AS n,
            'lease_expired'::case_step AS step, reviewer AS actor,
            'claimed'::case_state AS from_state, 'queued'::case_state AS to_state,
            jsonb_build_object('claim_id', claim_id) AS detail
        FROM expired
        UNION ALL
        SELECT case_id, claimed_at, 2, 'claimed', :reviewer, 'queued', 'claimed',
            jsonb_build_object('claim_id', claim_id, 'lease_expires_at', :lease_text::text,
                'drawn_at_random', drawn_at_random, 'propensity', propensity,
                'hints_withheld', hints_withheld)
        FROM leased
    ) line
    ORDER BY line.case_id, line.n
)
SELECT moved.*, v.body, v.context, v.erased_at, v.version_sha256, leased.claim_id, :reviewer::text AS reviewer,
    leased.claimed_at, :lease_expires_at::timestamptz AS lease_expires_at,
    leased.drawn_at_random, leased.propensity, leased.hints_withheld, leased.held_until
FROM picked
JOIN moved USING (case_id)
JOIN leased USING (case_id)
JOIN item_version v USING (item_id, version_sha256)
ORDER BY picked.tier, picked.urgency DESC, moved.received_at, moved.case_id;
