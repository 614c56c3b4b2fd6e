-- name: lock_drift^
-- One worker counts at a time; the others leave it to that one.
SELECT pg_try_advisory_xact_lock(hashtextextended('drift', 2)) AS taken;

-- name: uncounted_drift_days
SELECT every.day::date AS day
FROM generate_series(
    (SELECT (min(at) AT TIME ZONE 'UTC')::date FROM score), :until::date - 1, interval '1 day'
) AS every (day)
WHERE NOT EXISTS (SELECT FROM drift_counted c WHERE c.day = every.day::date)
ORDER BY every.day
LIMIT :limit;

-- name: texts_of_day
-- Texts as they were scored; one per case and version, the lot of the case draws.
SELECT language, body
FROM (
    SELECT s.language, left(v.body, 2000) AS body,
        row_number() OVER (PARTITION BY s.language ORDER BY t.lot, s.version_sha256) AS place
    FROM (
        SELECT DISTINCT case_id, version_sha256, language FROM score
        WHERE at >= :since_at AND at < :until_at AND arm <> 'shadow'
    ) s
    JOIN triage_case t USING (case_id)
    JOIN item_version v ON v.item_id = t.item_id AND v.version_sha256 = s.version_sha256
        AND v.erased_at IS NULL
    WHERE t.queue = ANY (:queues)
        AND NOT t.labels && :hidden_labels
        AND NOT coalesce(t.decision -> 'verdict' -> 'findings' ?| :hidden_labels, false)
) drawn
WHERE place <= :limit;

-- name: drawn_on
SELECT t.language, 1 / c.propensity AS weight, d.upheld,
    ARRAY(
        SELECT f.key FROM jsonb_each_text(d.body -> 'verdict' -> 'findings') f
        WHERE f.value::integer >= 1
    ) AS found,
    coalesce(said.model_version, '') AS model_version, said.p_violation
FROM decision d
JOIN claim c USING (claim_id)
JOIN triage_case t ON t.case_id = d.case_id
LEFT JOIN LATERAL (
    SELECT model_version, p_violation FROM score s
    WHERE s.case_id = d.case_id AND s.at <= c.claimed_at AND s.arm <> 'shadow'
    ORDER BY s.score_id DESC
    LIMIT 1
) said ON true
WHERE c.drawn_at_random AND d.stage = 'first' AND NOT is_unread(d.body)
    AND d.decided_at >= :since_at AND d.decided_at < :until_at
    AND t.queue = ANY (:queues)
    AND NOT t.labels && :hidden_labels
    AND NOT (d.body -> 'verdict' -> 'findings' ?| :hidden_labels::text[]);

-- name: complaints_decided_on
SELECT t.language, d.upheld <> before.upheld AS overturned
FROM decision d
JOIN triage_case t USING (case_id)
CROSS JOIN LATERAL (
    SELECT upheld FROM decision f
    WHERE f.case_id = d.case_id AND f.stage = 'first'
    ORDER BY f.decision_id DESC
    LIMIT 1
) before
WHERE d.stage = 'appeal' AND NOT is_unread(d.body)
    AND d.decided_at >= :since_at AND d.decided_at < :until_at
    AND t.queue = ANY (:queues)
    AND NOT t.labels && :hidden_labels
    AND NOT (d.body -> 'verdict' -> 'findings' ?| :hidden_labels::text[]);

-- name: drop_drift_day!
DELETE FROM drift_day WHERE day = :day;

-- name: add_drift_days!
INSERT INTO drift_day (day, sums_of, language, model_version, n, sums)
SELECT :day, sums_of, language, model_version, n,
    ARRAY(SELECT value::float8 FROM json_array_elements_text(sums) AS value)
FROM json_to_recordset(:rows::json) AS r (
    sums_of text, language text, model_version text, n bigint, sums json
);

-- name: note_drift_counted!
INSERT INTO drift_counted (day, counted_at) VALUES (:day, :counted_at)
ON CONFLICT (day) DO UPDATE SET counted_at = excluded.counted_at;

-- name: forget_drift_sums!
DELETE FROM drift_day;

-- name: forget_drift_counted!
DELETE FROM drift_counted;

-- name: forget_drift_readings!
DELETE FROM drift_reading;

-- name: drift_days
SELECT day, sums_of, language, model_version, n, sums FROM drift_day
WHERE day >= :since AND day <= :until
ORDER BY day, sums_of, language, model_version;

-- name: last_drift_days^
SELECT (SELECT max(day) FROM drift_counted) AS counted,
    (SELECT max(day) FROM drift_reading) AS read;

-- name: drop_readings!
DELETE FROM drift_reading WHERE day = :day;

-- name: add_readings!
INSERT INTO drift_reading (day, measure, language, model_version, have, need, n, before, after, z,
    z_limit, matters, since)
SELECT :day, measure, language, model_version, have, need, n, before, after, z, z_limit, matters,
    since
FROM json_to_recordset(:rows::json) AS r (
    measure text, language text, model_version text, have integer, need integer, n bigint,
    before float8, after float8, z float8, z_limit float8, matters boolean, since date
);

-- name: readings
SELECT day, measure, language, model_version, have, need, n, before, after, z, z_limit, matters,
    since
FROM drift_reading
WHERE day >= :since AND (:language::text = '' OR language = :language)
ORDER BY day, measure COLLATE "C", language COLLATE "C";

-- name: raise_drift_alarms
INSERT INTO drift_alarm (measure, language, model_version, opened_at, day, since, before, after, z,
    z_limit)
SELECT measure, language, model_version, :at, day, since, before, after, z, z_limit
FROM json_to_recordset(:rows::json) AS r (
    measure text, language text, model_version text, day date, since date, before float8,
    after float8, z float8, z_limit float8
)
ON CONFLICT (measure, language) WHERE closed_at IS NULL DO NOTHING
RETURNING alarm_id, measure, language, model_version, opened_at, day, since, before, after, z,
    z_limit, closed_at, acknowledged_by, acknowledged_at, note, restart_on;

-- name: close_drift_alarms!
UPDATE drift_alarm SET closed_at = :at
WHERE closed_at IS NULL AND (measure, language) IN (
    SELECT measure, language FROM json_to_recordset(:keys::json) AS k (measure text, language text)
);

-- name: acknowledge_drift_alarm^
UPDATE drift_alarm
SET acknowledged_by = :who, acknowledged_at = :at, note = :note,
    restart_on = CASE WHEN :as_normal THEN since END
WHERE alarm_id = :alarm_id AND acknowledged_at IS NULL
RETURNING alarm_id, measure, language, model_version, opened_at, day, since, before, after, z,
    z_limit, closed_at, acknowledged_by, acknowledged_at, note, restart_on;

-- name: find_drift_alarm^
SELECT alarm_id FROM drift_alarm WHERE alarm_id = :alarm_id;

-- name: drift_alarms
SELECT alarm_id, measure, language, model_version, opened_at, day, since, before, after, z,
    z_limit, closed_at, acknowledged_by, acknowledged_at, note, restart_on
FROM drift_alarm
WHERE NOT :open_only OR closed_at IS NULL
ORDER BY closed_at IS NOT NULL, opened_at DESC, alarm_id DESC
LIMIT :limit;

-- name: drift_restarts
SELECT measure, language, max(restart_on) AS restart_on
FROM drift_alarm WHERE restart_on IS NOT NULL
GROUP BY measure, language;
