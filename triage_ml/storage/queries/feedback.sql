-- name: decided_page
-- Decided cases in the order of their newest decision. Of those that may not leave there is no
-- text: outside of the queues that were named, or touched by child safety in any way.
SELECT page.case_id, page.decided_at, page.language, page.state <> 'decided' AS under_appeal,
    v.erased_at IS NOT NULL AS erased, hidden, CASE WHEN hidden THEN '' ELSE v.body END AS body,
    ARRAY(SELECT jsonb_object_keys(page.summary -> 'reasons')) AS reasons
FROM (
    SELECT case_id, item_id, version_sha256, queue, state, language, labels, summary, decided_at
    FROM triage_case
    WHERE decided_at >= :since AND decided_at < :until
        AND (decided_at, case_id) > (:after_at::timestamptz, :after_id::uuid)
    ORDER BY decided_at, case_id
    LIMIT :limit
) page
JOIN item_version v USING (item_id, version_sha256)
CROSS JOIN LATERAL (
    SELECT NOT page.queue = ANY (:queues)
        OR page.labels && :never
        OR page.summary -> 'reasons' ?| :never
        OR EXISTS (
            SELECT FROM decision d WHERE d.case_id = page.case_id
                AND d.body #> '{verdict,findings}' ?| :never
        )
        OR EXISTS (
            SELECT FROM quality_review q WHERE q.case_id = page.case_id AND q.findings ?| :never
        )
        OR EXISTS (
            SELECT FROM golden_case g WHERE g.case_id = page.case_id AND g.findings ?| :never
        ) AS hidden
) behind
ORDER BY page.decided_at, page.case_id;

-- name: verdicts_given
-- Every verdict on some cases. A second look at a golden case has no decision beside it.
SELECT d.case_id, 'decision' AS kind, d.decided_at AS at, reviewer_key(d.reviewer) AS reviewer,
    d.body #> '{verdict,findings}' AS findings, d.body #>> '{verdict,action}' AS action,
    d.stage::text AS stage, d.policy_version,
    coalesce(d.body #> '{verdict,asked}', '[]'::jsonb) AS asked, d.upheld,
    coalesce((d.body ->> 'hints_withheld')::boolean, false) AS blind,
    c.drawn_at_random, c.propensity, d.claim_id, NULL AS outcome
FROM decision d
JOIN claim c USING (claim_id)
WHERE d.case_id = ANY (:case_ids) AND NOT is_unread(d.body)
UNION ALL
SELECT q.case_id, 'second_look', q.judged_at, reviewer_key(q.reviewer), q.findings, q.action,
    'first', NULL, '[]'::jsonb, NULL, true, false, NULL, q.decided_claim, q.outcome
FROM quality_review q
WHERE q.case_id = ANY (:case_ids)
UNION ALL
SELECT g.case_id, 'golden', g.marked_at, reviewer_key(g.marked_by), g.findings, g.action,
    'first', NULL, '[]'::jsonb, NULL, false, false, NULL, NULL, NULL
FROM golden_case g
WHERE g.case_id = ANY (:case_ids) AND g.retired_at IS NULL
ORDER BY at, kind, reviewer;

-- name: lock_item^
-- The lock that reports of the item take too (take_slots).
SELECT pg_advisory_xact_lock(hashtextextended(:item_id, 0));

-- name: lock_cases_of_item
SELECT case_id FROM triage_case WHERE item_id = :item_id ORDER BY case_id FOR UPDATE;

-- name: cases_not_erased
-- Cases that stand on a text which is still there.
SELECT t.case_id
FROM triage_case t
JOIN item_version v USING (item_id, version_sha256)
WHERE t.item_id = :item_id AND v.erased_at IS NULL
ORDER BY t.case_id;

-- name: erase_versions!
UPDATE item_version SET body = '', context = '[]'::jsonb, erased_at = :at
WHERE item_id = :item_id AND erased_at IS NULL;

-- name: forget_sketches!
DELETE FROM text_sketch WHERE case_id = ANY (:case_ids);

-- name: forget_emerging_of!
DELETE FROM emerging WHERE case_ids && :case_ids::uuid[];

-- name: erased_since^
SELECT count(*) AS n_versions, max(erased_at) AS erased_at
FROM item_version WHERE item_id = :item_id;
