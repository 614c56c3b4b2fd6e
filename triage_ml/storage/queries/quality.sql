-- name: work_in_hand
SELECT t.case_id, c.claim_id, c.reviewer, t.queue, t.tier, c.claimed_at, c.lease_expires_at,
    t.due_at
FROM triage_case t
JOIN claim c ON c.claim_id = t.claim_id
WHERE t.state = 'claimed' AND t.lease_expires_at > :now AND t.queue = ANY (:queues)
ORDER BY c.reviewer COLLATE "C", t.due_at, t.case_id
LIMIT :limit;

-- name: draw_decision^
-- A decision to judge again that nobody has: those under the share by their index, and every one
-- whose claim was drawn at random. Of a case that was appealed only the newest decision counts.
-- The order differs between people, so that two who ask at once seldom get the same one.
WITH sampled AS (
    SELECT claim_id FROM decision
    WHERE quality_lot(claim_id, decided_at) < :share AND decided_at >= :since
    UNION
    SELECT claim_id FROM claim JOIN decision USING (claim_id)
    WHERE drawn_at_random AND decided_at >= :since
)
SELECT d.claim_id AS sample_id
FROM sampled
JOIN decision d USING (claim_id)
JOIN triage_case t USING (case_id)
WHERE t.state = 'decided' AND t.decision ->> 'claim_id' = d.claim_id::text
    AND t.queue = ANY (:queues)
    AND NOT t.labels && :excluded_labels
    AND NOT text_is_erased(t.item_id, t.version_sha256)
    AND NOT (d.body #> '{verdict,findings}') ?| :excluded_labels::text[]
    AND NOT EXISTS (
        SELECT FROM decision own WHERE own.case_id = d.case_id AND own.reviewer = :reviewer
    )
    AND NOT EXISTS (SELECT FROM quality_review q WHERE q.decided_claim = d.claim_id)
ORDER BY md5(d.claim_id::text || :reviewer::text)
LIMIT 1;

-- name: draw_golden^
SELECT g.golden_id AS sample_id
FROM golden_case g
JOIN triage_case t USING (case_id)
WHERE g.retired_at IS NULL AND g.marked_by <> :reviewer
    AND t.queue = ANY (:queues)
    AND NOT t.labels && :excluded_labels
    AND NOT text_is_erased(t.item_id, t.version_sha256)
    AND NOT g.findings ?| :excluded_labels::text[]
    AND NOT EXISTS (
        SELECT FROM decision own WHERE own.case_id = g.case_id AND own.reviewer = :reviewer
    )
    AND NOT EXISTS (
        SELECT FROM quality_review q
        WHERE coalesce(q.decided_claim, q.golden_id) = g.golden_id AND q.reviewer = :reviewer
    )
ORDER BY md5(g.golden_id::text || :reviewer::text)
LIMIT 1;

-- name: find_sample^
SELECT d.claim_id AS sample_id, 'double' AS kind, d.case_id,
    d.body #> '{verdict,findings}' AS findings, d.body #>> '{verdict,action}' AS action, '' AS note
FROM decision d
JOIN claim c USING (claim_id)
JOIN triage_case t ON t.case_id = d.case_id
WHERE d.claim_id = :sample_id
    AND (quality_lot(d.claim_id, d.decided_at) < :share OR c.drawn_at_random)
    AND t.queue = ANY (:queues)
    AND NOT t.labels && :excluded_labels
    AND NOT text_is_erased(t.item_id, t.version_sha256)
    AND NOT (d.body #> '{verdict,findings}') ?| :excluded_labels::text[]
    AND NOT EXISTS (
        SELECT FROM decision own WHERE own.case_id = d.case_id AND own.reviewer = :reviewer
    )
UNION ALL
SELECT g.golden_id, 'golden', g.case_id, g.findings, g.action, g.note
FROM golden_case g
JOIN triage_case t USING (case_id)
WHERE g.golden_id = :sample_id AND g.marked_by <> :reviewer
    AND t.queue = ANY (:queues)
    AND NOT t.labels && :excluded_labels
    AND NOT text_is_erased(t.item_id, t.version_sha256)
    AND NOT g.findings ?| :excluded_labels::text[]
    AND NOT EXISTS (
        SELECT FROM decision own WHERE own.case_id = g.case_id AND own.reviewer = :reviewer
    );

-- name: add_second_verdict!
INSERT INTO quality_review (review_id, case_id, decided_claim, golden_id, reviewer, judged_at,
    findings, action, note, differs)
VALUES (:review_id, :case_id, :decided_claim, :golden_id, :reviewer, :judged_at,
    :findings::jsonb, :action, :note, :differs)
ON CONFLICT DO NOTHING;

-- name: find_second_verdict^
SELECT findings, action
FROM quality_review
WHERE coalesce(decided_claim, golden_id) = :sample_id AND reviewer = :reviewer;

-- name: add_golden!
INSERT INTO golden_case (golden_id, case_id, marked_by, marked_at, findings, action, note)
VALUES (:golden_id, :case_id, :marked_by, :marked_at, :findings::jsonb, :action, :note)
ON CONFLICT DO NOTHING;

-- name: retire_golden!
UPDATE golden_case g SET retired_at = :at
FROM triage_case t
WHERE g.golden_id = :golden_id AND g.retired_at IS NULL
    AND t.case_id = g.case_id AND t.queue = ANY (:queues);

-- name: golden_cases
SELECT g.golden_id, g.case_id, t.queue, t.language, g.marked_by, g.marked_at, g.findings,
    g.action, g.note
FROM golden_case g
JOIN triage_case t USING (case_id)
WHERE g.retired_at IS NULL AND t.queue = ANY (:queues)
ORDER BY g.marked_at DESC, g.golden_id
LIMIT :limit;

-- name: disagreements
SELECT *
FROM judged_twice
WHERE differs AND outcome IS NULL AND queue = ANY (:queues)
ORDER BY judged_at, review_id
LIMIT :limit;

-- name: find_pair^
SELECT * FROM judged_twice WHERE review_id = :review_id AND queue = ANY (:queues);

-- name: settle!
UPDATE quality_review
SET outcome = :outcome, settled_by = :lead, settled_at = :settled_at, settlement_note = :note
WHERE review_id = :review_id AND differs AND outcome IS NULL AND decided_claim IS NOT NULL;

-- name: pairs
SELECT *
FROM judged_twice
WHERE judged_at >= :since AND queue = ANY (:queues)
ORDER BY judged_at, review_id;

-- name: revisions
-- A case has one first decision and at most one on a complaint.
SELECT t.language, later.decided_at,
    first.body #> '{verdict,findings}' AS first_findings,
    first.body #>> '{verdict,action}' AS first_action,
    later.body #> '{verdict,findings}' AS findings,
    later.body #>> '{verdict,action}' AS action,
    first.upheld <> later.upheld
        OR first.body #>> '{verdict,action}' <> later.body #>> '{verdict,action}' AS overturned
FROM decision later
JOIN triage_case t ON t.case_id = later.case_id
JOIN decision first ON first.case_id = later.case_id AND first.stage = 'first'
WHERE later.stage = 'appeal' AND NOT is_unread(later.body)
    AND later.decided_at >= :since AND t.queue = ANY (:queues)
ORDER BY later.decided_at, later.decision_id;

-- name: handling_times
-- Where few people decided the times would be those of a person: they do not leave the database.
-- A first decision counts for the queue the case stood in before it was complained about.
SELECT placed.queue, t.language, count(*) AS n,
    CASE WHEN count(DISTINCT d.reviewer) >= :min_people THEN
        percentile_cont(ARRAY[0.5, 0.9, 0.99]::float8[]) WITHIN GROUP (
            ORDER BY extract(epoch FROM d.decided_at - c.claimed_at)::float8
        )
    END AS seconds
FROM decision d
JOIN claim c USING (claim_id)
JOIN triage_case t ON t.case_id = d.case_id
CROSS JOIN LATERAL (
    SELECT coalesce(
        CASE WHEN t.stage <> d.stage THEN placed_before_appeal(t.case_id) ->> 'queue' END, t.queue
    ) AS queue
) placed
WHERE d.decided_at >= :since AND t.queue = ANY (:queues)
GROUP BY GROUPING SETS ((placed.queue, t.language), ())
HAVING count(*) > 0
ORDER BY placed.queue COLLATE "C" NULLS LAST, t.language COLLATE "C";
