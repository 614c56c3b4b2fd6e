-- name: load_case^
-- A case with its text and its running claim.
SELECT t.case_id, t.state, t.stage, t.received_at, t.repeat_actor, t.barred_reviewer, t.owner,
    t.awaits_scores, t.gap, t.scoring_failures, t.item, t.summary, t.language_guess, t.scores, t.placement, t.decision,
    v.body, v.context, v.erased_at, v.version_sha256, c.claim_id, c.reviewer, c.claimed_at, c.lease_expires_at,
    c.drawn_at_random, c.propensity, c.hints_withheld, c.held_until
FROM triage_case t
JOIN item_version v USING (item_id, version_sha256)
LEFT JOIN claim c ON c.claim_id = t.claim_id
WHERE t.case_id = :case_id;

-- name: lock_case^
-- Lock a case until the transaction ends. Read it only afterwards, by load_case: a statement
-- that waits for a lock sees the row as it is then, but the text and the claim as they were.
SELECT case_id FROM triage_case WHERE case_id = :case_id FOR UPDATE;

-- name: save_cases!
-- Cases as they are after a step, with everything the step leaves behind, in one statement:
-- changes is a JSON list of what `rows.change_text` lays out, with each case once.
-- The old claim ends before a new one begins: the count makes the insert wait for it.
-- What changes meets a table by ANY (ARRAY()) or LATERAL only: the plan of a plain join would
-- turn on how full the table is.
WITH changes AS MATERIALIZED (
    SELECT * FROM ROWS FROM (json_to_recordset(:changes::json) AS (
        at timestamptz, case_id uuid, item_id text, version_sha256 text, author_ref text,
        body text, context jsonb, state case_state, stage case_stage, queue text, tier smallint,
        base_index float8, handling_seconds float8, received_at timestamptz, due_at timestamptz,
        language text, labels text[], repeat_actor boolean, awaits_scores boolean, gap jsonb,
        scoring_failures integer, barred_reviewer text, owner text, item jsonb, summary jsonb,
        language_guess jsonb, scores jsonb, placement jsonb,
        claim_id uuid, reviewer text, claimed_at timestamptz, lease_expires_at timestamptz,
        drawn_at_random boolean, propensity float8, hints_withheld boolean,
        held_until timestamptz, claim_ended case_step,
        decision jsonb, decided_at timestamptz, upheld boolean, decision_claim_id uuid,
        decided_by text, policy_version text, reports_upheld boolean,
        complainant_ref text, grounds text, announcement jsonb, events jsonb, scored jsonb
    )) WITH ORDINALITY
), ended AS (
    UPDATE claim SET (ended_at, ended_by) = (
        SELECT at, claim_ended FROM changes WHERE changes.case_id = claim.case_id
    )
    WHERE ended_at IS NULL AND case_id = ANY (ARRAY(
        SELECT case_id FROM changes WHERE claim_ended IS NOT NULL
    ))
    RETURNING claim_id
), held AS (
    INSERT INTO claim (claim_id, case_id, reviewer, claimed_at, lease_expires_at,
        drawn_at_random, propensity, hints_withheld, held_until)
    SELECT claim_id, case_id, reviewer, claimed_at, lease_expires_at, drawn_at_random, propensity,
        hints_withheld, held_until
    FROM changes
    WHERE claim_id IS NOT NULL AND (SELECT count(*) FROM ended) >= 0
    ON CONFLICT (claim_id) DO UPDATE SET
        lease_expires_at = excluded.lease_expires_at, held_until = excluded.held_until
), version AS (
    INSERT INTO item_version (item_id, version_sha256, body, context, first_seen_at)
    SELECT item_id, version_sha256, body, context, at FROM changes
    -- A text that was erased and is reported again is held again.
    ON CONFLICT (item_id, version_sha256) DO UPDATE SET
        body = excluded.body, context = excluded.context, first_seen_at = excluded.first_seen_at,
        erased_at = NULL
    WHERE item_version.erased_at IS NOT NULL AND excluded.body <> ''
), saved AS (
    INSERT INTO triage_case (case_id, item_id, version_sha256, author_ref, state, stage, queue,
        tier, base_index, handling_seconds, received_at, due_at, language, labels, repeat_actor,
        awaits_scores, gap, scoring_failures, barred_reviewer, owner, claim_id,
        lease_expires_at, freed_at, decided_at, upheld,
        item, summary, language_guess, scores, placement, decision)
    SELECT case_id, item_id, version_sha256, author_ref, state, stage, queue,
        tier, base_index, handling_seconds, received_at, due_at, language, labels, repeat_actor,
        awaits_scores, gap, scoring_failures, barred_reviewer, owner, claim_id,
        lease_expires_at, CASE WHEN claim_ended IS NOT NULL THEN at END, decided_at, upheld,
        item, summary, language_guess, scores, placement, decision
    FROM changes
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
        freed_at = coalesce(excluded.freed_at, triage_case.freed_at),
        decided_at = excluded.decided_at, upheld = excluded.upheld, item = excluded.item,
        summary = excluded.summary, language_guess = excluded.language_guess,
        scores = excluded.scores, placement = excluded.placement, decision = excluded.decision
), concluded AS (
    INSERT INTO decision (case_id, claim_id, reviewer, stage, upheld, decided_at,
        policy_version, body)
    SELECT case_id, decision_claim_id, decided_by, stage, upheld, decided_at, policy_version,
        decision
    FROM changes
    WHERE reports_upheld IS NOT NULL
), outcomes AS (
    INSERT INTO reporter_outcome (report_id, reporter_ref, source, upheld, decided_at)
    SELECT standing.report_id, standing.reporter_ref, standing.source, changes.reports_upheld,
        changes.decided_at
    FROM changes CROSS JOIN LATERAL (
        SELECT report_id, reporter_ref, source FROM report
        WHERE case_id = changes.case_id AND withdrawn_at IS NULL
        OFFSET 0  -- keeps it from becoming a join
    ) standing
    -- Of an erased text nobody can say whether its reports were right.
    WHERE changes.reports_upheld IS NOT NULL AND changes.body <> ''
    ON CONFLICT (report_id) DO UPDATE
        SET upheld = excluded.upheld, decided_at = excluded.decided_at
), appealed AS (
    INSERT INTO appeal (case_id, complainant_ref, grounds, appealed_at)
    SELECT case_id, complainant_ref, grounds, at FROM changes WHERE complainant_ref IS NOT NULL
), recorded AS (
    INSERT INTO score (case_id, version_sha256, at, arm, model_version, language, n_chars,
        p_violation, labels)
    SELECT changes.case_id, changes.version_sha256, changes.at, s.arm, s.model_version, s.language,
        s.n_chars, s.p_violation, s.labels
    FROM changes CROSS JOIN LATERAL jsonb_to_record(changes.scored) AS s (
        arm score_arm, model_version text, language text, n_chars integer, p_violation float8,
        labels jsonb
    )
    WHERE changes.scored IS NOT NULL
), announced AS (
    INSERT INTO outbox (case_id, payload, created_at, next_attempt_at)
    SELECT case_id, announcement, at, '-infinity' FROM changes WHERE announcement IS NOT NULL
)
INSERT INTO case_event (case_id, at, step, actor, from_state, to_state, detail)
SELECT changes.case_id, changes.at, e.step, e.actor, e.from_state, e.to_state, e.detail
FROM changes CROSS JOIN LATERAL ROWS FROM (
    jsonb_to_recordset(changes.events) AS (
        step case_step, actor text, from_state case_state, to_state case_state, detail jsonb
    )
) WITH ORDINALITY AS e (step, actor, from_state, to_state, detail, n)
ORDER BY changes.ordinality, e.n;

-- name: set_patience
-- How long this transaction waits for a lock.
SELECT set_config('lock_timeout', :patience, true);

-- name: take_slots
-- One writer per item and per Idempotency-Key: two first reports at once must end in one case,
-- and who repeats a request waits for its answer. In one order everywhere, so that two groups
-- never wait for each other.
SELECT pg_advisory_xact_lock(slot) FROM (
    SELECT DISTINCT slot
    FROM json_to_recordset(:group::json) AS s (item_id text, actor text, key text)
    CROSS JOIN LATERAL (VALUES
        (hashtextextended(item_id, 0)),
        (hashtextextended(key, hashtextextended(actor, 1)))
    ) AS hashes (slot)
    WHERE slot IS NOT NULL
    ORDER BY slot
) slots;

-- name: lock_open_cases
-- The open cases of the items, locked. Cases under appeal do not take new reports. Read them
-- only afterwards, as with lock_case.
SELECT case_id FROM triage_case
WHERE item_id = ANY (ARRAY(
        SELECT item_id FROM json_to_recordset(:group::json) AS s (item_id text)
    )) AND stage = 'first' AND state IN ('received', 'queued', 'claimed')
ORDER BY case_id
FOR UPDATE;

-- name: find_past
-- For each submission, in order: the answer its key already got, the newest outcomes of its
-- reporter with this source, the violations of its author, and the open case of its item.
SELECT answered.body_sha256, answered.receipt, recent.n_outcomes, recent.n_upheld,
    author.n_violations, open_case.*
FROM ROWS FROM (json_to_recordset(:group::json) AS (
    item_id text, actor text, key text, author_ref text, reporter_ref text,
    source report_source, n_outcomes integer, violations_since timestamptz
)) WITH ORDINALITY AS s
CROSS JOIN LATERAL (
    SELECT count(*) AS n_outcomes, count(*) FILTER (WHERE newest.upheld) AS n_upheld
    FROM (
        SELECT upheld FROM reporter_outcome
        WHERE reporter_ref = s.reporter_ref AND source = s.source
        ORDER BY decided_at DESC, report_id
        LIMIT s.n_outcomes
    ) newest
) recent
CROSS JOIN LATERAL (
    SELECT count(*) AS n_violations FROM triage_case
    WHERE author_ref = s.author_ref AND upheld AND decided_at >= s.violations_since
) author
LEFT JOIN LATERAL (
    SELECT body_sha256, receipt FROM idempotency
    WHERE actor = s.actor AND key = s.key
    LIMIT 1
) answered ON true
LEFT JOIN LATERAL (
    SELECT t.case_id, t.state, t.stage, t.received_at, t.repeat_actor, t.barred_reviewer, t.owner,
        t.awaits_scores, t.gap, t.scoring_failures, t.item, t.summary, t.language_guess, t.scores,
        t.placement, t.decision,
        v.body, v.context, v.erased_at, v.version_sha256, c.claim_id, c.reviewer, c.claimed_at, c.lease_expires_at,
        c.drawn_at_random, c.propensity, c.hints_withheld, c.held_until
    FROM triage_case t
    JOIN item_version v USING (item_id, version_sha256)
    LEFT JOIN claim c ON c.claim_id = t.claim_id
    WHERE t.item_id = s.item_id AND t.stage = 'first'
        AND t.state IN ('received', 'queued', 'claimed')
    LIMIT 1
) open_case ON true
ORDER BY s.ordinality;

-- name: add_reports!
INSERT INTO report (report_id, case_id, reporter_ref, source, reason, jurisdiction,
    legal_deadline, reported_at)
SELECT report_id, case_id, reporter_ref, source, reason, jurisdiction, legal_deadline, reported_at
FROM json_to_recordset(:reports::json) AS (
    report_id uuid, case_id uuid, reporter_ref text, source report_source, reason text,
    jurisdiction text, legal_deadline timestamptz, reported_at timestamptz
);

-- name: keep_receipts!
INSERT INTO idempotency (actor, key, body_sha256, receipt, created_at)
SELECT actor, key, body_sha256, receipt, created_at
FROM json_to_recordset(:receipts::json) AS (
    actor text, key text, body_sha256 text, receipt jsonb, created_at timestamptz
);

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
WHERE t.case_id = :case_id AND v.erased_at IS NULL
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
WITH depth AS (
    SELECT queue, tier, language,
        count(*) AS n_open,
        count(*) FILTER (WHERE lease_expires_at > :now) AS n_claimed,
        count(*) FILTER (WHERE due_at < :now AND lease_expires_at > :now IS NOT TRUE) AS n_breached,
        count(*) FILTER (WHERE due_at >= :now AND due_at < :now::timestamptz + interval '1 hour'
            AND lease_expires_at > :now IS NOT TRUE) AS n_next,
        count(*) FILTER (WHERE awaits_scores) AS n_degraded,
        count(*) FILTER (WHERE received_at > :now::timestamptz - interval '1 hour') AS n_under_hour,
        count(*) FILTER (WHERE received_at <= :now::timestamptz - interval '24 hours') AS n_over_day,
        min(received_at) AS oldest_received_at,
        min(due_at) AS next_due_at
    FROM triage_case
    WHERE state IN ('received', 'queued', 'claimed')
    GROUP BY queue, tier, language
), drained AS (
    SELECT t.queue, t.tier, t.language, count(*) AS n_drained
    FROM decision d
    JOIN triage_case t USING (case_id)
    WHERE d.decided_at > :now::timestamptz - interval '1 hour' AND d.decided_at <= :now
    GROUP BY t.queue, t.tier, t.language
)
SELECT queue, tier, language,
    coalesce(n_open, 0) AS n_open, coalesce(n_claimed, 0) AS n_claimed,
    coalesce(n_breached, 0) AS n_breached, coalesce(n_next, 0) AS n_next,
    coalesce(n_degraded, 0) AS n_degraded, coalesce(n_under_hour, 0) AS n_under_hour,
    coalesce(n_over_day, 0) AS n_over_day, oldest_received_at, next_due_at,
    coalesce(n_drained, 0) AS n_drained
FROM depth
FULL JOIN drained USING (queue, tier, language)
ORDER BY queue COLLATE "C", tier, language COLLATE "C";

-- name: unscored
SELECT t.case_id, t.state, t.stage, t.received_at, t.repeat_actor, t.barred_reviewer, t.owner,
    t.awaits_scores, t.gap, t.scoring_failures, t.item, t.summary, t.language_guess, t.scores, t.placement, t.decision,
    v.body, v.context, v.erased_at, v.version_sha256, c.claim_id, c.reviewer, c.claimed_at, c.lease_expires_at,
    c.drawn_at_random, c.propensity, c.hints_withheld, c.held_until
FROM triage_case t
JOIN item_version v USING (item_id, version_sha256)
LEFT JOIN claim c ON c.claim_id = t.claim_id
WHERE t.awaits_scores AND t.state IN ('received', 'queued', 'claimed')
    AND t.scoring_failures < :max_failures AND v.erased_at IS NULL
ORDER BY t.scoring_failures, t.tier, t.received_at, t.case_id
LIMIT :limit;

-- name: ping^
SELECT 1;
