-- name: load_case^
-- A case with its text and its running claim.
SELECT t.case_id, t.state, t.stage, t.received_at, t.repeat_actor, t.barred_reviewer, t.owner,
    t.awaits_scores, t.gap, t.scoring_failures, t.item, t.summary, t.language_guess, t.scores, t.placement, t.decision,
    v.body, v.context, c.claim_id, c.reviewer, c.claimed_at, c.lease_expires_at,
    c.drawn_at_random, c.propensity
FROM triage_case t
JOIN item_version v USING (item_id, version_sha256)
LEFT JOIN claim c ON c.claim_id = t.claim_id
WHERE t.case_id = :case_id;

-- name: lock_case^
-- Lock a case until the transaction ends. Read it only afterwards, by load_case: a statement
-- that waits for a lock sees the row as it is then, but the text and the claim as they were.
SELECT case_id FROM triage_case WHERE case_id = :case_id FOR UPDATE;

-- name: lock_item!
-- One writer per item: two first reports at once must end in one case.
SELECT pg_advisory_xact_lock(hashtextextended(:item_id, 0));

-- name: find_open_case^
-- The open case of an item, locked. Cases under appeal do not take new reports.
SELECT case_id FROM triage_case
WHERE item_id = :item_id AND stage = 'first' AND state IN ('received', 'queued', 'claimed')
FOR UPDATE;

-- name: find_history^
-- The newest outcomes of a reporter with this source, and the violations of an author.
SELECT count(*) AS n_outcomes,
    count(*) FILTER (WHERE recent.upheld) AS n_upheld,
    (SELECT count(*) FROM triage_case
     WHERE author_ref = :author_ref AND upheld AND decided_at >= :violations_since
    ) AS author_violations
FROM (
    SELECT upheld FROM reporter_outcome
    WHERE reporter_ref = :reporter_ref AND source = :source::report_source
    ORDER BY decided_at DESC, report_id
    LIMIT :n_outcomes
) recent;

-- name: save_case!
-- A case as it is after a step, with everything the step leaves behind, in one statement.
-- The old claim ends before a new one begins: the count makes the insert wait for it.
WITH ended AS (
    UPDATE claim SET ended_at = :at, ended_by = :claim_ended::case_step
    WHERE case_id = :case_id AND ended_at IS NULL AND :claim_ended::case_step IS NOT NULL
    RETURNING claim_id
), held AS (
    INSERT INTO claim (claim_id, case_id, reviewer, claimed_at, lease_expires_at,
        drawn_at_random, propensity)
    SELECT :claim_id::uuid, :case_id, :reviewer, :claimed_at, :lease_expires_at,
        :drawn_at_random, :propensity
    WHERE :claim_id::uuid IS NOT NULL AND (SELECT count(*) FROM ended) >= 0
    ON CONFLICT (claim_id) DO UPDATE SET lease_expires_at = excluded.lease_expires_at
), version AS (
    INSERT INTO item_version (item_id, version_sha256, body, context, first_seen_at)
    VALUES (:item_id, :version_sha256, :body, :context::jsonb, :at)
    ON CONFLICT DO NOTHING
), saved AS (
    INSERT INTO triage_case (case_id, item_id, version_sha256, author_ref, state, stage, queue,
        tier, base_index, handling_seconds, received_at, due_at, language, labels, repeat_actor,
        awaits_scores, gap, scoring_failures, barred_reviewer, owner, claim_id,
        lease_expires_at, decided_at, upheld,
        item, summary, language_guess, scores, placement, decision)
    VALUES (:case_id, :item_id, :version_sha256, :author_ref, :state::case_state,
        :stage::case_stage, :queue, :tier, :base_index, :handling_seconds, :received_at, :due_at,
        :language, :labels, :repeat_actor, :awaits_scores, :gap::jsonb, :scoring_failures,
        :barred_reviewer, :owner,
        :claim_id, :lease_expires_at, :decided_at, :upheld, :item::jsonb, :summary::jsonb,
        :language_guess::jsonb, :scores::jsonb, :placement::jsonb, :decision::jsonb)
    ON CONFLICT (case_id) DO UPDATE SET
        version_sha256 = excluded.version_sha256, author_ref = excluded.author_ref,
        state = excluded.state, stage = excluded.stage, queue = excluded.queue,
        tier = excluded.tier, base_index = excluded.base_index,
        handling_seconds = excluded.handling_seconds, received_at = excluded.received_at,
        due_at = excluded.due_at, language = excluded.language, labels = excluded.labels,
        repeat_actor = excluded.repeat_actor, awaits_scores = excluded.awaits_scores,
        gap = excluded.gap, scoring_failures = excluded.scoring_failures,
        barred_reviewer = excluded.barred_reviewer, owner = excluded.owner,
        claim_id = excluded.claim_id, lease_expires_at = excluded.lease_expires_at,
        decided_at = excluded.decided_at, upheld = excluded.upheld, item = excluded.item,
        summary = excluded.summary, language_guess = excluded.language_guess,
        scores = excluded.scores, placement = excluded.placement, decision = excluded.decision,
        freed_at = CASE WHEN :claim_ended::case_step IS NOT NULL THEN :at
            ELSE triage_case.freed_at END
), concluded AS (
    INSERT INTO decision (case_id, claim_id, reviewer, stage, upheld, decided_at,
        policy_version, body)
    SELECT :case_id, :decision_claim_id::uuid, :decided_by, :stage::case_stage, :upheld,
        :decided_at, :policy_version, :decision::jsonb
    WHERE :reports_upheld::boolean IS NOT NULL
), outcomes AS (
    INSERT INTO reporter_outcome (report_id, reporter_ref, source, upheld, decided_at)
    SELECT report_id, reporter_ref, source, :reports_upheld, :decided_at
    FROM report
    WHERE case_id = :case_id AND withdrawn_at IS NULL AND :reports_upheld::boolean IS NOT NULL
    ON CONFLICT (report_id) DO UPDATE
        SET upheld = excluded.upheld, decided_at = excluded.decided_at
), appealed AS (
    INSERT INTO appeal (case_id, complainant_ref, grounds, appealed_at)
    SELECT :case_id, :complainant_ref, :grounds, :at
    WHERE :complainant_ref::text IS NOT NULL
), announced AS (
    INSERT INTO outbox (case_id, payload, created_at, next_attempt_at)
    SELECT :case_id, :announcement::jsonb, :at, '-infinity'
    WHERE :announcement::jsonb IS NOT NULL
)
INSERT INTO case_event (case_id, at, step, actor, from_state, to_state, detail)
SELECT :case_id, :at, e.step, e.actor, e.from_state, e.to_state, e.detail
FROM ROWS FROM (
    jsonb_to_recordset(:events::jsonb) AS (
        step case_step, actor text, from_state case_state, to_state case_state, detail jsonb
    )
) WITH ORDINALITY AS e (step, actor, from_state, to_state, detail, n)
ORDER BY e.n;

-- name: add_report!
INSERT INTO report (report_id, case_id, reporter_ref, source, reason, jurisdiction,
    legal_deadline, reported_at)
VALUES (:report_id, :case_id, :reporter_ref, :source::report_source, :reason, :jurisdiction,
    :legal_deadline, :reported_at);

-- name: withdraw_report^
-- Whether the report is one of this case, and whether it was still standing.
WITH taken_back AS (
    UPDATE report SET withdrawn_at = :at
    WHERE report_id = :report_id AND case_id = :case_id AND withdrawn_at IS NULL
    RETURNING report_id
)
SELECT EXISTS (
        SELECT FROM report WHERE report_id = :report_id AND case_id = :case_id
    ) AS known,
    EXISTS (SELECT FROM taken_back) AS stood;

-- name: begin_submission^
-- Take an Idempotency-Key; who comes second waits here for who came first.
INSERT INTO idempotency (actor, key, body_sha256, created_at)
VALUES (:actor, :key, :body_sha256, :received_at)
ON CONFLICT DO NOTHING
RETURNING true;

-- name: find_submission^
SELECT body_sha256, receipt FROM idempotency WHERE actor = :actor AND key = :key;

-- name: end_submission!
UPDATE idempotency SET receipt = :receipt::jsonb WHERE actor = :actor AND key = :key;

-- name: case_of_claim^
SELECT case_id FROM claim WHERE claim_id = :claim_id;

-- name: events
SELECT sequence, at, step, actor, from_state, to_state, detail
FROM case_event
WHERE case_id = :case_id AND sequence > :after
ORDER BY sequence
LIMIT :limit;

-- name: reports
SELECT report_id, source, reason, jurisdiction, legal_deadline, reported_at, withdrawn_at
FROM report
WHERE case_id = :case_id
ORDER BY reported_at DESC, report_id DESC
LIMIT :limit;

-- name: versions
-- The texts of a case's item; a version with another context only is no other text.
SELECT v.body AS text, min(v.first_seen_at) AS first_seen_at
FROM triage_case t
JOIN item_version v USING (item_id)
WHERE t.case_id = :case_id
GROUP BY v.body
ORDER BY first_seen_at DESC, v.body
LIMIT :limit;

-- name: appeals
SELECT complainant_ref, grounds, appealed_at
FROM appeal
WHERE case_id = :case_id
ORDER BY appeal_id;

-- name: queue_depths
-- A case whose lease has run out waits again, so it counts as not claimed.
SELECT queue, tier, language,
    count(*) AS n_open,
    count(*) FILTER (WHERE lease_expires_at > :now) AS n_claimed,
    count(*) FILTER (WHERE due_at < :now AND lease_expires_at > :now IS NOT TRUE) AS n_breached,
    count(*) FILTER (WHERE awaits_scores) AS n_degraded,
    min(received_at) AS oldest_received_at,
    min(due_at) AS next_due_at
FROM triage_case
WHERE state IN ('received', 'queued', 'claimed')
GROUP BY queue, tier, language
ORDER BY queue COLLATE "C", tier, language COLLATE "C";

-- name: unscored
SELECT t.case_id, t.state, t.stage, t.received_at, t.repeat_actor, t.barred_reviewer, t.owner,
    t.awaits_scores, t.gap, t.scoring_failures, t.item, t.summary, t.language_guess, t.scores, t.placement, t.decision,
    v.body, v.context, c.claim_id, c.reviewer, c.claimed_at, c.lease_expires_at,
    c.drawn_at_random, c.propensity
FROM triage_case t
JOIN item_version v USING (item_id, version_sha256)
LEFT JOIN claim c ON c.claim_id = t.claim_id
WHERE t.awaits_scores AND t.state IN ('received', 'queued', 'claimed')
    AND t.scoring_failures < :max_failures
ORDER BY t.scoring_failures, t.tier, t.received_at, t.case_id
LIMIT :limit;

-- name: ping^
SELECT 1;
