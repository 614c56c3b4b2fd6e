-- name: unsketched
-- Decided cases whose text has no sketch yet, with the text.
SELECT s.case_id, v.body
FROM text_sketch s
JOIN triage_case t USING (case_id)
JOIN item_version v USING (item_id, version_sha256)
WHERE s.bands IS NULL AND v.erased_at IS NULL
ORDER BY s.decided_at DESC, s.case_id
LIMIT :limit;

-- name: save_sketch!
UPDATE text_sketch SET bands = :bands::integer[], signature = :signature
WHERE case_id = :case_id AND bands IS NULL;

-- name: sharing_a_band
-- Decided cases of other items that may be similar: those that share a band of the sketch. Of many
-- only the newest are looked at; they are chosen first, because the planner takes bands that come
-- again and again, as those of spam do, for a reason to read every case.
WITH newest AS MATERIALIZED (
    SELECT case_id, signature, decided_at
    FROM text_sketch
    WHERE bands && :bands::integer[]
    ORDER BY decided_at DESC, case_id
    LIMIT :limit
)
SELECT n.case_id, n.signature
FROM newest n
JOIN triage_case t USING (case_id)
WHERE t.state = 'decided'
    AND t.item_id <> :item_id
    AND (:any_queue OR t.queue = ANY (:queues))
ORDER BY n.decided_at DESC, n.case_id;

-- name: author_counts^
-- How many other cases of an author there are, and how they ended; of very many only some count.
SELECT waiting.n AS n_open, over.n_upheld, over.n - over.n_upheld AS n_not_upheld,
    over.n_overturned, greatest(waiting.n, over.n) >= :most AS capped
FROM (
    SELECT count(*) AS n
    FROM (
        SELECT FROM triage_case
        WHERE author_ref = :author_ref AND state IN ('received', 'queued', 'claimed')
            AND received_at >= :since AND case_id <> :but
            AND (:any_queue OR queue = ANY (:queues))
        LIMIT :most
    ) newest
) waiting
CROSS JOIN (
    SELECT count(*) AS n, count(*) FILTER (WHERE upheld) AS n_upheld,
        count(*) FILTER (WHERE overturned) AS n_overturned
    FROM (
        SELECT t.upheld, (t.upheld, t.decision -> 'verdict' ->> 'action')
            <> (first.upheld, first.action) AS overturned
        FROM triage_case t
        LEFT JOIN LATERAL (
            SELECT d.upheld, d.body -> 'verdict' ->> 'action' AS action FROM decision d
            WHERE t.stage = 'appeal' AND d.case_id = t.case_id AND d.stage = 'first'
            ORDER BY d.decision_id
            LIMIT 1
        ) first ON true
        WHERE t.author_ref = :author_ref AND t.state = 'decided'
            AND t.decided_at >= :since AND t.case_id <> :but
            AND (:any_queue OR t.queue = ANY (:queues))
        ORDER BY t.decided_at DESC
        LIMIT :most
    ) newest
) over;

-- name: author_decisions
SELECT case_id, decision
FROM triage_case
WHERE author_ref = :author_ref AND state = 'decided'
    AND decided_at >= :since AND case_id <> :but
    AND (:any_queue OR queue = ANY (:queues))
ORDER BY decided_at DESC, case_id
LIMIT :limit;

-- name: hint_outcomes
-- What became of the hints that reviewers saw, per label, language and band of probability.
SELECT language, label, width_bucket(trusted, :floors::float8[]) AS band,
    count(*) FILTER (WHERE queue = ANY (:queues)) AS n,
    count(*) FILTER (WHERE found AND queue = ANY (:queues)) AS n_right,
    count(*) FILTER (WHERE NOT queue = ANY (:queues)) AS n_hidden,
    count(*) FILTER (WHERE found AND NOT queue = ANY (:queues)) AS n_hidden_right
FROM decided_hint
WHERE decided_at >= :since
GROUP BY language, label, band
ORDER BY language COLLATE "C", label COLLATE "C", band;
