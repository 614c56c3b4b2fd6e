-- name: label_candidates
-- Cases that may be chosen, with the newest word of a model on trial on the same text. Of more
-- than the limit some are drawn by chance; how many there are in all stands in every row.
SELECT c.case_id, drawn.n_eligible, c.scores, c.summary, left(v.body, :max_chars) AS text,
    trial.model_version, trial.language, trial.p_violation, trial.labels
FROM (
    -- Narrow: all that could be drawn are held at once to be counted and sorted.
    SELECT t.case_id, count(*) OVER () AS n_eligible
    FROM triage_case t
    WHERE t.state = 'queued' AND t.stage = 'first' AND t.tier >= 3 AND t.queue = ANY (:queues)
        AND t.scores IS NOT NULL AND NOT t.awaits_scores AND t.owner IS NULL AND t.language <> 'und'
        AND t.received_at < :received_before AND t.due_at > :due_after
        AND NOT t.labels && :hidden_labels
        AND NOT EXISTS (
            SELECT FROM labelling_pick p WHERE p.case_id = t.case_id AND p.missed_at IS NULL
        )
        -- As text_is_erased says it, which would be called for each of them.
        AND NOT EXISTS (
            SELECT FROM item_version e
            WHERE e.item_id = t.item_id AND e.version_sha256 = t.version_sha256
                AND e.erased_at IS NOT NULL
        )
    ORDER BY md5(t.case_id::text || :salt)
    LIMIT :limit
) drawn
JOIN triage_case c ON c.case_id = drawn.case_id
JOIN item_version v ON v.item_id = c.item_id AND v.version_sha256 = c.version_sha256
LEFT JOIN LATERAL (
    SELECT s.model_version, s.language, s.p_violation, s.labels
    FROM score s
    WHERE s.case_id = c.case_id AND s.version_sha256 = c.version_sha256
        AND s.arm <> 'live' AND s.model_version <> c.scores ->> 'model_version'
    ORDER BY s.score_id DESC
    LIMIT 1
) trial ON true
ORDER BY c.case_id;

-- name: n_decided_of^
SELECT count(*) AS n FROM triage_case WHERE case_id = ANY (:case_ids) AND state = 'decided';

-- name: add_picks!
INSERT INTO labelling_pick (day, slot, case_id, picked_at, language, strategy, label, score, chance,
    n_eligible)
SELECT day, slot, case_id, picked_at, language, strategy, label, score, chance, n_eligible
FROM json_to_recordset(:picks::json) AS (
    day date, slot integer, case_id uuid, picked_at timestamptz, language text, strategy text,
    label text, score float8, chance float8, n_eligible integer
);

-- name: picks_of
SELECT day, slot, case_id, picked_at, language, strategy, label, score, chance, n_eligible,
    moved_at, missed_at
FROM labelling_pick WHERE day = :day ORDER BY slot;

-- name: picks_to_move
SELECT day, slot, case_id, picked_at, language, strategy, label, score, chance, n_eligible,
    moved_at, missed_at
FROM labelling_pick
WHERE moved_at IS NULL AND missed_at IS NULL
ORDER BY picked_at, day, slot
LIMIT :limit;

-- name: settle_pick^
UPDATE labelling_pick
SET moved_at = CASE WHEN :moved THEN :at::timestamptz END,
    missed_at = CASE WHEN NOT :moved THEN :at::timestamptz END
WHERE day = :day AND slot = :slot AND moved_at IS NULL AND missed_at IS NULL
RETURNING slot;

-- name: find_pick^
SELECT day, slot, case_id, picked_at, language, strategy, label, score, chance, n_eligible,
    moved_at, missed_at
FROM labelling_pick WHERE case_id = :case_id AND missed_at IS NULL;

-- name: pick_results
-- What came of the picks; a decision from before the pick was moved is none of its own.
WITH outcome AS MATERIALIZED (
    SELECT p.language, p.strategy, p.missed_at, d.upheld, d.findings,
        p.missed_at IS NULL AND p.moved_at IS NOT NULL AND d.upheld IS NULL
            AND (t.queue <> :queue OR t.state = 'withdrawn' OR is_unread(t.decision)) AS has_left
    FROM labelling_pick p
    JOIN triage_case t USING (case_id)
    LEFT JOIN LATERAL (
        SELECT e.upheld, e.body #> '{verdict,findings}' AS findings
        FROM decision e
        WHERE e.case_id = p.case_id AND p.missed_at IS NULL AND e.decided_at >= p.moved_at
            AND NOT is_unread(e.body)
        ORDER BY e.decision_id DESC
        LIMIT 1
    ) d ON true
    WHERE p.picked_at >= :since AND t.queue = ANY (:queues)
        AND NOT coalesce(d.findings ?| :hidden_labels::text[], false)
), found AS (
    SELECT language, strategy, jsonb_object_agg(label, n) AS labels
    FROM (
        SELECT o.language, o.strategy, f.key AS label, count(*) AS n
        FROM outcome o
        CROSS JOIN LATERAL jsonb_each_text(o.findings) f
        WHERE f.value::integer >= 1
        GROUP BY o.language, o.strategy, f.key
    ) counted
    GROUP BY language, strategy
)
SELECT o.language, o.strategy, count(*) AS n_picked, count(o.missed_at) AS n_missed,
    count(*) FILTER (WHERE o.has_left) AS n_left, count(o.upheld) AS n_decided,
    count(*) FILTER (WHERE o.upheld) AS n_upheld, coalesce(found.labels, '{}') AS labels
FROM outcome o
LEFT JOIN found USING (language, strategy)
GROUP BY o.language, o.strategy, found.labels
ORDER BY o.language COLLATE "C", o.strategy COLLATE "C";
