-- name: lock_counting^
-- One worker counts at a time; the others leave it to that one.
SELECT pg_try_advisory_xact_lock(hashtextextended('daily_count', 2)) AS taken;

-- name: wait_for_counting^
SELECT pg_advisory_xact_lock(hashtextextended('daily_count', 2));

-- name: count_progress^
SELECT counted_to, counted_at FROM daily_count_progress;

-- name: first_counted_day^
SELECT min(day) AS day FROM daily_count;

-- name: log_to_count^
-- The next lines of the log, and the last of them that is old enough that no transaction can
-- still add a line before it.
SELECT max(sequence) AS last, max(sequence) FILTER (WHERE at < :settled) AS settled,
    count(*) AS n
FROM (
    SELECT sequence, at FROM case_event
    WHERE sequence > :after
    ORDER BY sequence
    LIMIT :limit
) lines;

-- name: stale_days
-- Days of which a count may have changed. A decision changes its own day; whatever can move a
-- case to another queue or language changes the days of its reports and decisions. A decision
-- moves a case only behind a restriction.
WITH lines AS MATERIALIZED (
    SELECT case_id, bool_or(step <> 'decided') AS moved FROM case_event
    WHERE sequence > :after AND sequence <= :last
        AND step NOT IN (
            'claimed', 'renewed', 'held', 'released', 'lease_expired', 'report_withdrawn',
            'withdrawn'
        )
    GROUP BY case_id
), touched AS MATERIALIZED (
    SELECT case_id, moved OR EXISTS (
        SELECT FROM restricted_queue r WHERE r.queue = t.queue
    ) AS moved
    FROM lines JOIN triage_case t USING (case_id)
)
SELECT (happened.at AT TIME ZONE 'UTC')::date AS day
FROM touched CROSS JOIN LATERAL (
    SELECT reported_at AS at FROM report WHERE case_id = touched.case_id AND touched.moved
    UNION ALL
    SELECT decided_at FROM decision WHERE case_id = touched.case_id
) happened
GROUP BY day;

-- name: every_day
-- All days on which there is something to count.
SELECT (at AT TIME ZONE 'UTC')::date AS day
FROM (SELECT reported_at AS at FROM report UNION ALL SELECT decided_at FROM decision) happened
GROUP BY day;

-- name: drop_days!
DELETE FROM daily_count WHERE day = ANY (:days);

-- name: count_days!
INSERT INTO daily_count (day, measure, label, language, surface, queue, n)
SELECT days.day, what.measure, what.label, what.language, what.surface, what.queue, count(*)
FROM unnest(:days::date[]) AS days (day)
CROSS JOIN LATERAL (
    SELECT 'reports' AS measure, coalesce(r.reason, 'other') AS label, t.language,
        t.item ->> 'surface' AS surface, t.queue
    FROM report r
    JOIN triage_case t USING (case_id)
    WHERE r.reported_at >= days.day::timestamp AT TIME ZONE 'UTC'
        AND r.reported_at < (days.day + 1)::timestamp AT TIME ZONE 'UTC'
    UNION ALL
    SELECT kind.measure, kind.label, t.language, t.item ->> 'surface', t.queue
    FROM decision d
    JOIN triage_case t USING (case_id)
    CROSS JOIN LATERAL (
        SELECT 'decisions' AS measure, '' AS label
        UNION ALL
        SELECT 'upheld', '' WHERE d.upheld
        UNION ALL
        SELECT 'violations', f.key
        FROM jsonb_each_text(d.body -> 'verdict' -> 'findings') f
        WHERE f.value::integer >= 1
    ) kind
    WHERE d.decided_at >= days.day::timestamp AT TIME ZONE 'UTC'
        AND d.decided_at < (days.day + 1)::timestamp AT TIME ZONE 'UTC'
) what
GROUP BY days.day, what.measure, what.label, what.language, what.surface, what.queue;

-- name: save_count_progress!
INSERT INTO daily_count_progress (counted_to, counted_at) VALUES (:counted_to, :counted_at)
ON CONFLICT (single) DO UPDATE
    SET counted_to = excluded.counted_to, counted_at = excluded.counted_at;

-- name: hide_queues!
INSERT INTO restricted_queue (queue)
SELECT name FROM unnest(:names::text[]) AS names (name)
ON CONFLICT DO NOTHING;

-- name: daily_sums
SELECT day, measure, sum(n)::bigint AS n,
    CASE :split::text
        WHEN 'label' THEN label WHEN 'language' THEN language WHEN 'surface' THEN surface ELSE ''
    END AS part
FROM daily_count
WHERE day >= :since AND day <= :until
    AND (:label::text = '' OR label = :label OR measure IN ('decisions', 'upheld'))
    AND (:language::text = '' OR language = :language)
    AND (:surface::text = '' OR surface = :surface)
    AND (:any_queue OR queue = ANY (:queues))
    AND label <> ALL (:hidden_labels)
    AND (measure <> 'violations' OR label <> ALL (:hint_labels))
GROUP BY day, measure, part
ORDER BY day;

-- name: busiest_surfaces
SELECT surface
FROM daily_count
WHERE day >= :since AND day <= :until AND measure = 'reports'
    AND (:any_queue OR queue = ANY (:queues))
    AND label <> ALL (:hidden_labels)
GROUP BY surface
ORDER BY sum(n) DESC, surface COLLATE "C"
LIMIT :limit;

-- name: sample_sums
-- Random claims of first decisions. Draws nobody decided count, and weigh nothing.
WITH drawn AS MATERIALIZED (
    SELECT t.language, 1 / c.propensity AS w, d.decision_id, d.upheld,
        d.body -> 'verdict' -> 'findings' AS findings
    FROM claim c
    JOIN triage_case t USING (case_id)
    LEFT JOIN decision d ON d.claim_id = c.claim_id
    WHERE c.drawn_at_random AND c.claimed_at >= :since_at AND c.claimed_at < :until_at
        AND (d.stage IS NULL OR d.stage = 'first')
        AND (:language::text = '' OR t.language = :language)
        AND (:surface::text = '' OR t.item ->> 'surface' = :surface)
        AND (:any_queue OR t.queue = ANY (:queues))
)
SELECT language, '' AS label, count(*) AS n_drawn, count(decision_id) AS n_decided,
    coalesce(sum(w) FILTER (WHERE decision_id IS NOT NULL), 0) AS weights,
    coalesce(sum(w * w) FILTER (WHERE decision_id IS NOT NULL), 0) AS squares,
    count(*) FILTER (WHERE upheld) AS n_found,
    coalesce(sum(w) FILTER (WHERE upheld), 0) AS weights_found,
    coalesce(sum(w * w) FILTER (WHERE upheld), 0) AS squares_found
FROM drawn
GROUP BY language
UNION ALL
SELECT language, f.key, 0, 0, 0, 0, count(*), sum(w), sum(w * w)
FROM drawn CROSS JOIN LATERAL jsonb_each_text(findings) f
WHERE f.value::integer >= 1
    AND f.key <> ALL (:hidden_labels) AND f.key <> ALL (:hint_labels)
GROUP BY language, f.key
ORDER BY language, label;

-- name: trend_cases
-- The cases behind a number, by the newest of what counts. Cases are read in that order and only
-- until enough are found: OFFSET 0 keeps the planner from reading all of them first.
SELECT t.case_id, t.queue, t.language, t.item ->> 'surface' AS surface, t.state, t.labels,
    t.upheld, newest.at
FROM (
    SELECT case_id, max(at) AS at
    FROM (
        SELECT case_id, reported_at AS at FROM report
        WHERE :measure::text = 'reports'
            AND reported_at >= :since_at AND reported_at < :until_at
            AND (:label::text = '' OR coalesce(reason, 'other') = :label)
            AND coalesce(reason, 'other') <> ALL (:hidden_labels)
        UNION ALL
        SELECT case_id, decided_at FROM decision
        WHERE :measure::text IN ('decisions', 'upheld', 'violations')
            AND decided_at >= :since_at AND decided_at < :until_at
            AND (:measure::text <> 'upheld' OR upheld)
            AND (:measure::text <> 'violations' OR EXISTS (
                SELECT FROM jsonb_each_text(body -> 'verdict' -> 'findings') f
                WHERE f.value::integer >= 1 AND (:label::text = '' OR f.key = :label)
                    AND f.key <> ALL (:hint_labels)
            ))
        UNION ALL
        SELECT c.case_id, c.claimed_at FROM claim c
        LEFT JOIN decision d ON d.claim_id = c.claim_id
        WHERE :measure::text = 'sample' AND c.drawn_at_random
            AND c.claimed_at >= :since_at AND c.claimed_at < :until_at
            AND (d.stage IS NULL OR d.stage = 'first')
            AND (:label::text = ''
                OR coalesce((d.body #>> ARRAY['verdict', 'findings', :label::text])::integer, 0) >= 1)
    ) happened
    GROUP BY case_id
    ORDER BY max(at) DESC, case_id
) newest
CROSS JOIN LATERAL (
    SELECT c.*
    FROM triage_case c
    WHERE c.case_id = newest.case_id
        AND (:language::text = '' OR c.language = :language)
        AND (:surface::text = '' OR c.item ->> 'surface' = :surface)
        AND (:any_queue OR c.queue = ANY (:queues))
        AND NOT c.labels && :hidden_labels
        AND NOT coalesce(c.decision -> 'verdict' -> 'findings' ?| :hidden_labels, false)
    OFFSET 0
) t
ORDER BY newest.at DESC, newest.case_id
LIMIT :limit;

-- name: cases_among
SELECT case_id, queue, language, item ->> 'surface' AS surface, state, labels, upheld,
    received_at AS at
FROM triage_case
WHERE case_id = ANY (:case_ids)
    AND (:any_queue OR queue = ANY (:queues))
    AND NOT labels && :hidden_labels
    AND NOT coalesce(decision -> 'verdict' -> 'findings' ?| :hidden_labels, false)
ORDER BY received_at DESC, case_id;

-- name: queue_records
-- By the queue and the clock that a case had then: a complaint has given it others since. Where
-- few people decided the time would be that of a person: it does not leave the database.
SELECT placed.queue, count(*) AS n_decided,
    count(*) FILTER (WHERE d.decided_at > placed.due_at) AS n_late,
    CASE WHEN count(DISTINCT d.reviewer) >= :min_people THEN
        percentile_cont(0.5) WITHIN GROUP (
            ORDER BY extract(epoch FROM d.decided_at - c.claimed_at)::float8
        )
    END AS median_handling_seconds
FROM decision d
JOIN triage_case t USING (case_id)
JOIN claim c ON c.claim_id = d.claim_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN t.stage = 'first' THEN NULL ELSE placed_before_appeal(t.case_id) END AS said
) log
CROSS JOIN LATERAL (
    SELECT coalesce(said ->> 'queue', t.queue) AS queue,
        coalesce((said ->> 'due_at')::timestamptz, t.due_at) AS due_at
) AS placed
WHERE d.decided_at >= :since_at AND d.decided_at < :until_at AND d.stage = 'first'
    AND (:any_queue OR t.queue = ANY (:queues))
GROUP BY placed.queue
ORDER BY placed.queue COLLATE "C";

-- name: reported_texts
-- Texts of cases reported in the days, each case once, drawn by its lot.
SELECT drawn.case_id, drawn.item_id, drawn.author_ref, drawn.language, drawn.received_at,
    left(v.body, :max_chars) AS text
FROM (
    SELECT t.case_id, t.item_id, t.version_sha256, t.author_ref, t.language, t.received_at
    FROM triage_case t
    WHERE t.case_id = ANY (ARRAY(
            SELECT case_id FROM report
            WHERE reported_at >= :since_at AND reported_at < :until_at
            GROUP BY case_id
        ))
        AND (:any_queue OR t.queue = ANY (:queues))
        AND NOT t.labels && :hidden_labels
        AND NOT coalesce(t.decision -> 'verdict' -> 'findings' ?| :hidden_labels, false)
    ORDER BY t.lot
    LIMIT :limit
) drawn
JOIN item_version v USING (item_id, version_sha256)
WHERE v.erased_at IS NULL
ORDER BY drawn.case_id;

-- name: lock_emerging^
SELECT pg_try_advisory_xact_lock(hashtextextended('emerging', 2)) AS taken;

-- name: drop_emerging!
DELETE FROM emerging;

-- name: save_emerging!
INSERT INTO emerging (key, kind, language, words, n_items, n_authors, n_before, score, first_at,
    last_at, case_ids, found_at)
SELECT key, kind, language, words, n_items, n_authors, n_before, score, first_at, last_at,
    ARRAY(SELECT jsonb_array_elements_text(case_ids)::uuid), :found_at
FROM json_to_recordset(:rows::json) AS (
    key text, kind text, language text, words text, n_items integer, n_authors integer,
    n_before integer, score float8, first_at timestamptz, last_at timestamptz, case_ids jsonb
)
-- A text may have been erased while its words were counted.
WHERE NOT EXISTS (
    SELECT FROM triage_case t JOIN item_version v USING (item_id, version_sha256)
    WHERE t.case_id = ANY (ARRAY(SELECT jsonb_array_elements_text(case_ids)::uuid))
        AND v.erased_at IS NOT NULL
)
ON CONFLICT DO NOTHING;

-- name: emerging
SELECT kind, language, words, n_items, n_authors, n_before, score, first_at, last_at, case_ids,
    found_at
FROM emerging
ORDER BY kind DESC, language COLLATE "C", score DESC, words COLLATE "C";
